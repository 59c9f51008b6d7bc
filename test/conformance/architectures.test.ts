import { describe, expect, it } from "vitest";
import { ARCHITECTURE_CASES } from "../../conformance/llama-cpp/architectures/cases.ts";
import { compareArchitecture } from "../../conformance/llama-cpp/architectures/compare.ts";
import { readArchitectures } from "../../conformance/llama-cpp/golden.ts";
import { ARCHITECTURE_WORKLOADS } from "../../conformance/llama-cpp/workloads.ts";

const { rows } = readArchitectures("architectures");
const saved = readArchitectures("saved-models").rows;

describe("caches as llama.cpp allocates them, of every architecture it has", () => {
  it("were asked for with the keys of the table, and with those of the models that its own test saves", () => {
    expect(saved.length).toBe(127);
    const asked = rows.map(({ contextBytes: _answers, ...asking }) => asking);
    expect(asked).toEqual(ARCHITECTURE_CASES);
    expect(rows.every(({ contextBytes }) => contextBytes.length === ARCHITECTURE_WORKLOADS.length)).toBe(true);
  });

  it.each([...rows, ...saved].map((row) => [`${row.architecture} ${row.title}`.trim(), row] as const))(
    "%s: equal to the byte, and refused where it is",
    async (_name, row) => {
      const answered = row.contextBytes.filter((answer) => answer !== null).length;
      expect(await compareArchitecture(row)).toEqual({ exact: answered, differences: [] });
      expect(answered).toBeGreaterThan(0);
    },
  );
});
