import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { firstReads } from "../../src/source/first-read.ts";

/** What is asked of the next file after headers of these sizes. */
function asked(format: "gguf" | "safetensors", ...headers: readonly number[]): number {
  const reads = firstReads(format, DEFAULT_LIMITS);
  for (const [index, bytes] of headers.entries()) reads.learn(index, bytes);
  return reads.bytes(headers.length);
}

describe("the first request of a file", () => {
  it("asks 100 KiB of a safetensors file while few headers are known", () => {
    expect(asked("safetensors")).toBe(102_400);
    expect(asked("safetensors", 16_888, 74_992)).toBe(102_400);
  });

  it("asks what the largest header before took, and little more", () => {
    const bytes = asked("safetensors", 16_888, 74_992, 73_000, 72_000);
    expect(bytes).toBeGreaterThanOrEqual(74_992);
    expect(bytes).toBeLessThan(74_992 * 1.02);
  });

  it("asks more than 100 KiB where headers are longer", () => {
    expect(asked("safetensors", 800_000, 700_000, 600_000, 500_000)).toBeGreaterThanOrEqual(800_000);
  });

  it("asks everything of the first GGUF file, which is cut off where its header ends", () => {
    expect(asked("gguf")).toBe(DEFAULT_LIMITS.ggufHeaderBytes);
  });

  it("asks 16 KiB of further GGUF files, and then what they turn out to need", () => {
    expect(asked("gguf", 7_000_000)).toBe(16_384);
    expect(asked("gguf", 7_000_000, 20_000, 7_000, 7_000, 7_000)).toBeGreaterThanOrEqual(20_000);
    expect(asked("gguf", 7_000_000, 7_000, 7_000, 7_000, 7_000)).toBe(8_192);
  });
});
