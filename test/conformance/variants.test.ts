import { describe, expect, it } from "vitest";
import { ARCHITECTURE_CASES } from "../../conformance/llama-cpp/architectures/cases.ts";
import { DEEP_GRID, VARIANT_PLACEMENTS } from "../../conformance/llama-cpp/placements.ts";
import { compareVariant, knownCases } from "../../conformance/llama-cpp/variants/compare.ts";
import { readVariants, type VariantRow } from "../../conformance/llama-cpp/variants/golden.ts";
import { variants } from "../../conformance/llama-cpp/variants/variants.ts";
import { readWholeModels } from "../../conformance/llama-cpp/whole-models/golden.ts";
import { KEYS_ALONE } from "../../conformance/llama-cpp/whole-models/keys-alone.ts";

const { rows } = readVariants();
const known = knownCases();

const nameOf = ({ architecture, title, variant }: Pick<VariantRow, "architecture" | "title" | "variant">): string =>
  `${architecture} ${title}, ${variant}`;

describe("variants of models as llama.cpp places them", () => {
  it("are all that can be made of every case, and the whole models are all the others", () => {
    const made = new Set(rows.map(nameOf));
    const certain = variants().filter(({ without, inGrid }) => without === undefined || inGrid);
    for (const { base, variant } of certain) expect(made).toContain(nameOf({ ...base, variant }));
    expect(rows.length - certain.length).toBeGreaterThan(45);
    const whole = new Set(
      readWholeModels().rows.flatMap((row) =>
        row.keys === "architectures" ? [`${row.architecture} ${row.title}`] : [],
      ),
    );
    const cases = ARCHITECTURE_CASES.map(({ architecture, title }) => `${architecture} ${title}`);
    expect(cases.filter((name) => !whole.has(name)).sort()).toEqual([...KEYS_ALONE].sort());
  });

  it("are asked for every placement, and the deep ones for a hundred and more", () => {
    expect(DEEP_GRID.length).toBeGreaterThan(100);
    expect(rows.every(({ placed }) => placed.length === VARIANT_PLACEMENTS.length)).toBe(true);
    const grids = rows.flatMap(({ grid }) => (grid === undefined ? [] : [grid.length]));
    expect(grids.length).toBeGreaterThanOrEqual(12);
    expect(new Set(grids)).toEqual(new Set([DEEP_GRID.length]));
  });

  it.each(rows.map((row) => [nameOf(row), row] as const))(
    "%s: weights, cache and output equal to the byte, on each device",
    async (_name, row) => {
      const { exact, differences } = await compareVariant(row, known);
      expect(differences).toEqual([]);
      expect(exact.weights).toBeGreaterThan(0);
    },
  );
});
