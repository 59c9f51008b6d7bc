import { describe, expect, it } from "vitest";
import { ARCHITECTURE_CASES } from "../../conformance/llama-cpp/architectures/cases.ts";
import { PLACEMENT_GRID, PLACEMENTS } from "../../conformance/llama-cpp/placements.ts";
import { compareWholeModel } from "../../conformance/llama-cpp/whole-models/compare.ts";
import { keysOfRows, readWholeModels } from "../../conformance/llama-cpp/whole-models/golden.ts";
import { WHOLE_WORKLOADS } from "../../conformance/llama-cpp/whole-models/workloads.ts";

const { rows } = readWholeModels();
const keysOf = keysOfRows();

describe("whole models as llama.cpp places them", () => {
  it("are of every architecture that the engine was asked of, at twelve settings and more", () => {
    const asked = new Set(ARCHITECTURE_CASES.map(({ architecture }) => architecture));
    expect(new Set(rows.map(({ architecture }) => architecture))).toEqual(asked);
    expect(WHOLE_WORKLOADS.length).toBeGreaterThanOrEqual(12);
    expect(
      rows.every(
        ({ answers, placed }) => answers.length === WHOLE_WORKLOADS.length && placed.length === PLACEMENTS.length,
      ),
    ).toBe(true);
  });

  it("are twelve and more that were asked for every combination of devices", () => {
    const grids = rows.flatMap(({ grid }) => (grid === undefined ? [] : [grid.length]));
    expect(grids.length).toBeGreaterThanOrEqual(12);
    expect(new Set(grids)).toEqual(new Set([PLACEMENT_GRID.length]));
  });

  it.each(rows.map((row) => [`${row.keys} ${row.architecture} ${row.title}${row.tied ? " tied" : ""}`, row] as const))(
    "%s: weights, cache, output and work buffer equal to the byte, on each device",
    async (_name, row) => {
      const { host, differences } = await compareWholeModel(row, keysOf(row));
      expect(differences).toEqual([]);
      expect(host.weights).toBe(row.answers.filter((answer) => Array.isArray(answer)).length);
      expect(host.weights).toBeGreaterThan(0);
    },
  );
});
