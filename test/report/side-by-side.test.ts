import { describe, expect, it } from "vitest";
import { reportJson } from "../../src/report/json.ts";
import { screen } from "../../src/report/screen.ts";
import { PLAIN } from "../../src/report/style.ts";
import type { Refusal, RuntimeReport } from "../../src/report/weigh.ts";
import { displayWidth } from "../../src/report/width.ts";
import type { Capacity, MemoryEstimate } from "../../src/runtimes/estimate.ts";
import { sampleEstimate, sampleModel, sampleReport } from "./sample.ts";

const GIB = 1024 ** 3;

function reportOf(fields: Partial<MemoryEstimate>, more: Partial<RuntimeReport> = {}): RuntimeReport {
  return sampleReport({ estimate: sampleEstimate(fields), ...more });
}

const LATENT = { runtime: "vllm", runtimeVersion: "0.32.0", cachePerToken: 70_272 } as const;
const EXPANDED = { runtime: "transformers", runtimeVersion: "5.14.1", cachePerToken: 4_997_120 } as const;

function lines(reports: readonly RuntimeReport[], refusals: readonly Refusal[] = [], columns = 80): readonly string[] {
  return screen(sampleModel(), reports, { style: PLAIN, columns, refusals });
}

describe("runtimes side by side", () => {
  it("have a row each: what is an estimate is marked, what is nothing is a dash", () => {
    const shown = lines([reportOf(LATENT), reportOf(EXPANDED)]);
    expect(shown).toContain("Side by side  context 8,192, 1 sequence");
    const [, vllm, transformers] = shown.slice(shown.findIndex((line) => line.startsWith("Side by side")) + 1);
    expect(vllm).toMatch(/^ {2}vllm +4\.00 GiB +1\.00 GiB +~256\.00 MiB +- +~5\.25 GiB$/);
    expect(transformers).toMatch(/^ {2}transformers +4\.00 GiB/);
  });

  it("say how many times more a token costs, and what it is kept as", () => {
    const shown = lines([reportOf(LATENT), reportOf(EXPANDED)]);
    const at = shown.indexOf("Cache of one more token");
    expect(shown[at + 1]).toMatch(/^ {2}vllm 0\.32\.0 +68\.63 KiB +1x +▏ +1\.00 GiB a sequence$/);
    expect(shown[at + 2]).toBe("    KV cache, 4 layers");
    expect(shown[at + 3]).toMatch(/^ {2}transformers 5\.14\.1 +4\.77 MiB +71x +█+ +1\.00 GiB a sequence$/);
  });

  it("name the release where one runtime is there twice", () => {
    const shown = lines([reportOf(EXPANDED), reportOf({ ...EXPANDED, runtimeVersion: "5.23.0" })]).join("\n");
    expect(shown).toMatch(/ transformers 5\.14\.1 +4\.00 GiB[\s\S]* transformers 5\.23\.0 +4\.00 GiB/);
  });

  it("show what does not grow, what is not known and who refuses", () => {
    const still = reportOf({ runtime: "training", cachePerToken: 0 });
    const unknown = reportOf({
      runtime: "mlx",
      cachePerToken: null,
      totals: { ...sampleEstimate().totals, cache: null, total: null, high: null },
    });
    const refusal: Refusal = { runtime: "vllm", code: "unsupported-option", message: "has no rule for this" };
    const shown = lines([still, unknown], [refusal]);
    expect(shown).toContain("  vllm: has no rule for this");
    expect(shown.find((line) => line.startsWith("  mlx"))).toMatch(/not known .* not known$/);
    expect(shown).not.toContain("Cache of one more token");
  });

  it("say which fits, with what context", () => {
    const held = (verdict: "fits" | "too-large") => [
      { device: "GPU0", capacityBytes: 8 * GIB, verdict, spareBytes: GIB },
    ];
    const shown = lines([
      reportOf(LATENT, { fits: held("fits"), largestContextTokens: 32_768 }),
      reportOf(EXPANDED, { fits: held("too-large") }),
    ]);
    const at = shown.indexOf("Fits on GPU0?");
    expect(shown[at + 1]).toBe("  vllm          fits       up to 32,768 tokens do");
    expect(shown[at + 2]).toBe("  transformers  too large  no context is sure to");
  });

  it("stay within the columns, also narrow ones", () => {
    const capacity: Capacity = {
      poolBytes: 10 * GIB,
      blocks: 123_456,
      tokens: 1_975_296,
      tokensAsOldLogs: 1_975_296,
      concurrency: 12.5,
      certainty: "estimate",
      low: 11,
      high: 14,
    };
    for (const columns of [80, 70]) {
      const shown = lines([reportOf({ ...LATENT, capacity }), reportOf(EXPANDED)], [], columns);
      expect(Math.max(...shown.map(displayWidth))).toBeLessThanOrEqual(80);
      expect(shown.join(" ")).toMatch(/vllm: the pool holds about 123,456 blocks/);
    }
  });
});

describe("JSON", () => {
  it("says who refuses only where someone does", () => {
    const refusal: Refusal = { runtime: "mlx", code: "unsupported-runtime", message: "no" };
    expect(JSON.parse(reportJson(sampleModel(), [], false))).not.toHaveProperty("refused");
    expect(JSON.parse(reportJson(sampleModel(), [], false, [refusal])).refused).toEqual([refusal]);
  });
});
