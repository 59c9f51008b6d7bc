import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { compareQuantized, readQuantized } from "../../conformance/transformers/check-quantized.ts";
import { compareModel } from "../../conformance/transformers/compare.ts";
import { VERSIONS } from "../../conformance/transformers/engine.ts";
import { readGolden } from "../../conformance/transformers/golden.ts";
import { fixtureExpectations } from "../../fixtures/fixtures.ts";
import { inspectModel } from "../../src/inspect.ts";

const models = readGolden(VERSIONS[0]).models;
const everyModel = VERSIONS.flatMap((version) => readGolden(version).models.map((row) => ({ ...row, version })));

describe("weights and cache as transformers holds them", () => {
  it("are known for every safetensors fixture", () => {
    const names = fixtureExpectations.filter(({ format }) => format === "safetensors").map(({ path }) => path);
    expect([...new Set(models.map((row) => `safetensors/${row.model}`))].sort()).toEqual(names.sort());
  });

  it.each(everyModel)("$model in $dtype by $version: equal to the byte", async ({ version, ...row }) => {
    const model = await inspectModel(join(FIXTURE_FILES, "safetensors", row.model));
    expect(compareModel(model, row, version)).toEqual([]);
  });
});

describe("the names in the safetensors fixtures", () => {
  it.each(fixtureExpectations.filter(({ format }) => format === "safetensors"))(
    "$path: transformers finds every weight, and none too many but those of MTP blocks",
    ({ path, layers }) => {
      const row = models.find((candidate) => `safetensors/${candidate.model}` === path);
      if (row === undefined || "refused" in row) throw new Error(`no answer for ${path}`);
      const tooMany = row.unexpectedKeys.filter((key) => !key.startsWith(`model.layers.${layers}.`));
      expect({ missing: row.missingKeys, mismatched: row.mismatchedKeys, tooMany }).toEqual({
        missing: [],
        mismatched: [],
        tooMany: [],
      });
    },
  );
});

describe("quantized caches as transformers holds them", () => {
  it("are equal to the byte, in 2 and 4 bits, before and after tokens are packed anew", async () => {
    const golden = readQuantized();
    expect(golden.rows.length).toBeGreaterThanOrEqual(24);
    expect(await compareQuantized(golden)).toEqual([]);
  });
});
