import { describe, expect, test } from "vitest";
import { comparePeak, readPeaks } from "../../conformance/mlx/activations.ts";
import { compareRow } from "../../conformance/mlx/compare.ts";
import { fixtureWeights, loadedFixtures } from "../../conformance/mlx/fixtures.ts";
import { askedRows, readGolden } from "../../conformance/mlx/golden.ts";
import { MLX_LM_VERSION } from "../../src/runtimes/mlx/version.ts";

const golden = readGolden();
const rows = askedRows(golden);

describe("tiny models of mlx-lm, by model_type", () => {
  test("were asked of the release that the rules follow, and are at least 25 in 3 settings", () => {
    expect(golden.versions["mlx-lm"]).toBe(MLX_LM_VERSION);
    expect(rows.length).toBeGreaterThanOrEqual(25);
    expect(golden.workloads.length).toBeGreaterThanOrEqual(3);
    expect(golden.rows.filter((row) => "refused" in row)).toEqual([]);
  });

  test.each(rows)("$modelType: weights and cache are mlx-lm's, to the byte", async (row) => {
    const { compared, differences } = await compareRow(row, golden.workloads);
    expect(compared).toBeGreaterThan(golden.workloads.length);
    expect(differences).toEqual([]);
  });

  test("were run with packed caches, rotating ones, chunked ones and several sequences", () => {
    const classes = new Set(rows.flatMap((row) => row.classes));
    for (const name of ["KVCache", "RotatingKVCache", "ChunkedKVCache", "ArraysCache"]) expect(classes).toContain(name);
    const run = (wanted: (workload: (typeof golden.workloads)[number]) => boolean) =>
      rows.filter((row) =>
        golden.workloads.some((each, index) => wanted(each) && typeof row.caches[index] === "number"),
      );
    expect(run(({ bits }) => bits === 8).length).toBeGreaterThanOrEqual(25);
    expect(run(({ sequences }) => sequences === 3).length).toBeGreaterThanOrEqual(25);
  });
});

describe("weights of the safetensors fixtures", () => {
  test.each(loadedFixtures())("$model: equal to the byte", async ({ model, held }) => {
    expect(await fixtureWeights(model)).toBe(held);
  });

  test("are of gpt-oss as published, and of a dozen others", () => {
    const names = loadedFixtures().map(({ model }) => model);
    expect(names).toContain("gpt-oss");
    expect(names.length).toBeGreaterThan(12);
  });
});

describe("the peak of memory while a prompt is read, on the CPU backend", () => {
  test.each(readPeaks().peaks)("$modelType, $prompt tokens in steps of $step: is in the range", async (measured) => {
    const { peak, low, middle, high } = await comparePeak(measured);
    expect(peak).toBeGreaterThanOrEqual(low);
    expect(peak).toBeLessThanOrEqual(high);
    // The figure itself is not far off either: by a third below, by half above.
    expect(middle / peak).toBeGreaterThan(0.65);
    expect(middle / peak).toBeLessThan(1.5);
  });
});
