import { describe, expect, test } from "vitest";
import {
  compareModelType,
  layerRuns,
  type ModelTypeRow,
  modelOfConfig,
  modelOfRow,
  readModelTypes,
} from "../../conformance/transformers/model-types.ts";
import { CONFIG_RULES } from "../../src/model/architectures/registry.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { EAGER_ONLY } from "../../src/runtimes/transformers/eager-only.ts";
import { TRANSFORMERS_VERSION } from "../../src/runtimes/transformers/version.ts";

const golden = readModelTypes();
const rows = golden.rows.filter((row): row is ModelTypeRow => !("refused" in row));
const covered = rows.filter((row) => CONFIG_RULES.has(row.modelType));

const decoders = covered.filter((row) => row.caches !== undefined);

/** Model types the library answered for that have no rules yet, and why. */
const NOT_COVERED: { readonly [modelType: string]: string } = {
  funnel: "pools tokens between its blocks, which are counted in three keys",
};

/** A mask as long as the cache beside keys of another length: the cache was made. */
const MASKED_APART = /^RuntimeError: The size of tensor/;

/** The class defaults leave out sizes that the model cannot be built without. */
const NO_MODEL_BY_DEFAULT: readonly string[] = ["qwen4_exp_text"];

describe("tiny models of transformers, by model_type", () => {
  test(`were asked of the release that the cache follows`, () => {
    expect(golden.versions.transformers).toBe(TRANSFORMERS_VERSION);
  });

  test(`are at least 100, and those without rules are named with their cause`, () => {
    expect(covered.length).toBeGreaterThanOrEqual(100);
    const missing = rows.filter((row) => !covered.includes(row)).map((row) => row.modelType);
    expect(missing.sort()).toEqual(Object.keys(NOT_COVERED).sort());
  });

  test.each(covered)("$modelType: parameters, bytes, layers, heads and cache are those of the library", async (row) => {
    expect(compareModelType(await modelOfRow(row), row)).toEqual([]);
  });

  test.each(covered.filter((row) => row.layerTypesImplied))(
    "$modelType: the same without layer_types, which its class fills in",
    async (row) => {
      const { layer_types: _, layers_block_type: __, ...config } = row.config;
      expect(compareModelType(await modelOfRow(row, config), row)).toEqual([]);
    },
  );

  test("write their scores out where the class has no kernel for them", () => {
    const eager = rows.filter(({ eagerOnly }) => eagerOnly === true).map(({ modelType }) => modelType);
    expect([...EAGER_ONLY]).toEqual(eager);
  });

  test("hold the same caches in at least three settings, around their windows, of at least 150 decoders", () => {
    const settings = decoders.map(({ caches }) => new Set(caches?.map(([...row]) => row.slice(0, 4).join(" "))).size);
    expect(Math.min(...settings)).toBeGreaterThanOrEqual(3);
    expect(decoders.length).toBeGreaterThanOrEqual(150);
    expect(decoders.filter(({ storages }) => storages !== undefined).length).toBeGreaterThanOrEqual(25);
  });

  test("have no static cache where the library takes none", async () => {
    const refused = decoders.filter(
      ({ staticRefused }) => staticRefused !== undefined && !MASKED_APART.test(staticRefused),
    );
    expect(refused.map(({ modelType }) => modelType)).toEqual(["deepseek_v4", "minimax"]);
    for (const row of refused) {
      const model = await modelOfRow(row);
      expect(() => estimateMemory(model, { runtime: "transformers", cache: "static" })).toThrow("has no static cache");
    }
  });

  test.each(
    decoders.flatMap(({ modelType, defaults }) =>
      defaults === undefined || NO_MODEL_BY_DEFAULT.includes(modelType) ? [] : [{ modelType, defaults }],
    ),
  )(
    "$modelType: a configuration that leaves everything out has the layers of its class",
    async ({ modelType, defaults }) => {
      const config = { model_type: modelType, num_hidden_layers: defaults.num_hidden_layers };
      const model = await modelOfConfig(config);
      // One kind of layer under two words of the library.
      const layers = defaults.layers.map((run) => run.replace("minimax_m3_sparse", "indexed_attention"));
      expect(layerRuns(model)).toEqual(layers);
      const attention = model.layers.map(({ mixer }) => mixer).filter((mixer) => mixer.kind === "attention");
      const kvHeads = defaults.num_key_value_heads;
      if (kvHeads !== undefined && attention.length > 0) expect(attention[0]?.kvHeads).toBe(kvHeads);
    },
  );
});
