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

/** Variants that weighin does not weigh as llama.cpp does, and in what alone. Once it does, the name is to go from here. */
const UNEQUAL: ReadonlyMap<string, "weights" | "weights and cache" | "compute"> = new Map([
  // The engine gives an encoder an output matrix too, where its source asks for one: a copy of the embedding.
  ["dream , without output.weight", "weights"],
  ["gemma-embedding , without output.weight", "weights"],
  ["llada , without output.weight", "weights"],
  ["rnd1 , without output.weight", "weights"],
  ["t5encoder , without output.weight", "weights"],
  // src/models/codeshell.cpp:19 makes the embedding a copy of the output matrix, before that is there to share.
  ["codeshell , without token_embd.weight", "weights"],
  // It uses the output matrix of the model that it drafts for.
  ["eagle3 , without output.weight", "compute"],
  // To the engine a block that is counted, without any of its tensors, is one that has a cache and a device.
  ...[...KEYS_ALONE].map((name) => [`${name}, without the block that predicts`, "weights and cache"] as const),
]);

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

  const equal = rows.filter((row) => !UNEQUAL.has(nameOf(row))).map((row) => [nameOf(row), row] as const);

  it.each(equal)("%s: weights, cache and output equal to the byte, on each device", async (_name, row) => {
    const { exact, differences } = await compareVariant(row, known);
    expect(differences).toEqual([]);
    expect(exact.weights).toBeGreaterThan(0);
  });

  it.each([...UNEQUAL])("%s: not equal yet, in %s and nothing else", async (name, part) => {
    const row = rows.find((each) => nameOf(each) === name);
    const differences = row === undefined ? [] : (await compareVariant(row, known)).differences;
    expect(differences).not.toEqual([]);
    const others = differences.filter((text) => !part.split(" and ").some((each) => text.includes(`: ${each} `)));
    expect(others).toEqual([]);
  });
});
