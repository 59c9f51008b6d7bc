import { describe, expect, test } from "vitest";
import { comparePeaks, fault, type PeakComparison } from "../../conformance/training/compare-peaks.ts";
import { compareSharding } from "../../conformance/training/compare-sharding.ts";
import { compareFull, compareLora, compareNf4 } from "../../conformance/training/compare-states.ts";
import { readPeaks, readSharding, readStates } from "../../conformance/training/golden.ts";
import { askedStates } from "../../conformance/training/states-rows.ts";
import { modelOfRow } from "../../conformance/transformers/model-types.ts";
import { FAMILIES } from "../../src/runtimes/training/families.ts";
import { PROVEN_FULL, PROVEN_LORA, PROVEN_NF4 } from "../../src/runtimes/training/proven.ts";
import { TRAINING_VERSION } from "../../src/runtimes/training/version.ts";

const states = askedStates();
const peaks = readPeaks().rows;

describe("what outlives a training step, as PyTorch holds it", () => {
  test("was asked of the release that the rules follow", () => {
    expect(`torch ${readStates().versions["torch"]?.replace(/\+.*$/, "")}`).toBe(TRAINING_VERSION);
  });

  test("is proven for at least 100 model types, and for adapters and NF4 for as many", () => {
    for (const proven of [PROVEN_FULL, PROVEN_LORA, PROVEN_NF4]) expect(proven.size).toBeGreaterThanOrEqual(100);
  });

  test.each(states)("$state.modelType: to the byte, or not called exact", async ({ state, type }) => {
    const model = await modelOfRow(type);
    const agrees = (differences: readonly string[] | null): boolean => differences?.length === 0;
    expect([
      agrees(compareFull(model, state)),
      agrees(compareLora(model, state)),
      agrees(compareNf4(model, state)),
    ]).toEqual([PROVEN_FULL, PROVEN_LORA, PROVEN_NF4].map((proven) => proven.has(state.modelType)));
  });
});

describe("the most bytes alive during a training step", () => {
  const compared: PeakComparison[] = [];

  test.each(peaks)("$modelType: within 5 % of every run where dense and read, else within the range", async (row) => {
    const found = await comparePeaks(row);
    compared.push(...found);
    expect(found.flatMap((each) => fault(each) ?? [])).toEqual([]);
  });

  test("was run for every family that was read, full and with adapters, with layers run again and without", () => {
    expect([...FAMILIES.keys()].filter((family) => !peaks.some(({ modelType }) => modelType === family))).toEqual([]);
    const dense = compared.filter((each) => each.dense);
    expect(new Set(dense.map(({ modelType }) => modelType)).size).toBeGreaterThanOrEqual(8);
    expect(new Set(dense.map(({ peak: [method, , , checkpointing] }) => `${method} ${checkpointing}`)).size).toBe(4);
  });
});

describe("states shared out by ZeRO", () => {
  test.each(readSharding().rows)(
    "$model, stage $stage on $gpus GPUs, offload $offload: as DeepSpeed adds up",
    (row) => {
      expect(compareSharding(row)).toBeUndefined();
    },
  );
});
