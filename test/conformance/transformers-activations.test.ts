import { describe, expect, test } from "vitest";
import { readActivations } from "../../conformance/transformers/activation-golden.ts";
import { compareActivations, farOff, isDense } from "../../conformance/transformers/check-activations.ts";
import { TRANSFORMERS_VERSION } from "../../src/runtimes/transformers/version.ts";

const golden = readActivations();
const titled = golden.rows.map((row) => ({ title: `${row.modelType}, ${row.variant}`, row }));

describe("peaks of live tensors, as PyTorch had them on a CPU", () => {
  test("were measured of the release that the rules were read from", () => {
    expect(golden.versions.transformers).toBe(TRANSFORMERS_VERSION);
  });

  test("were measured of at least 20 dense models, at three lengths", () => {
    const dense = golden.rows.filter((row) => isDense(row) && row.variant === "wide");
    expect(dense.length).toBeGreaterThanOrEqual(20);
    for (const { runs } of dense) expect(new Set(runs.map(([, , , prompt]) => prompt)).size).toBe(3);
  });

  test.each(titled.filter(({ row }) => isDense(row)))("$title: within 5 % at every length", async ({ row }) => {
    const compared = await compareActivations(row);
    expect(compared.flatMap((each) => farOff(row, each))).toEqual([]);
  });

  test.each(titled.filter(({ row }) => !isDense(row)))("$title: in the range at every length", async ({ row }) => {
    const compared = await compareActivations(row);
    expect(compared.flatMap((each) => farOff(row, each))).toEqual([]);
  });
});
