import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatCount,
  formatInteger,
  formatPlural,
  formatRange,
  formatShare,
  formatTokens,
} from "../../src/report/units.ts";

describe("units", () => {
  it("writes bytes in binary units with two decimals, and small counts in full", () => {
    expect([0, 1023, 1024, 1536, 1024 ** 3, 25_769_803_776].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.00 KiB",
      "1.50 KiB",
      "1.00 GiB",
      "24.00 GiB",
    ]);
  });

  it("moves to the next unit instead of printing 1024 of one", () => {
    expect(formatBytes(1024 ** 3 - 1)).toBe("1.00 GiB");
    expect(formatBytes(1023.99 * 1024 ** 2)).toBe("1023.99 MiB");
  });

  it("says the unit of a range once where it is the same", () => {
    expect(formatRange(400 * 1024 ** 2, 614 * 1024 ** 2)).toBe("400.00 to 614.00 MiB");
    expect(formatRange(512, 1024 ** 3)).toBe("512 B to 1.00 GiB");
  });

  it("writes counts with three digits in decimal units", () => {
    expect([999, 1000, 8_190_735_360, 670_926_000_000, 999_999_999, 1_040_000_000_000].map(formatCount)).toEqual([
      "999",
      "1.00 K",
      "8.19 B",
      "671 B",
      "1.00 B",
      "1.04 T",
    ]);
  });

  it("never writes a count as a power of ten", () => {
    expect(formatCount(12_345_678_000_000_000)).toBe("12346 T");
  });

  it("writes tokens in units of 1024 only where they are round", () => {
    expect([512, 1024, 4096, 40_960, 128_000, 131_072, 1_000_000, 1_048_576].map(formatTokens)).toEqual([
      "512",
      "1,024",
      "4k",
      "40k",
      "128,000",
      "128k",
      "1,000,000",
      "1,024k",
    ]);
  });

  it("never rounds a part to nothing or to all", () => {
    expect(formatShare(1, 1_000_000)).toBe("<0.1 %");
    expect(formatShare(999_999, 1_000_000)).toBe(">99.9 %");
    expect(formatShare(1, 3)).toBe("33.3 %");
    expect(formatShare(0, 3)).toBe("0.0 %");
    expect(formatShare(3, 3)).toBe("100.0 %");
    expect(formatShare(0, 0)).toBe("");
  });

  it("counts nouns", () => {
    expect(formatPlural(1, "file")).toBe("1 file");
    expect(formatPlural(1200, "file")).toBe("1,200 files");
    expect(formatInteger(151_936)).toBe("151,936");
  });
});
