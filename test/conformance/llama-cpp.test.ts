import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareRow } from "../../conformance/llama-cpp/compare.ts";
import { readGolden } from "../../conformance/llama-cpp/golden.ts";
import { fixtureModels } from "../../conformance/llama-cpp/models.ts";
import { WORKLOADS } from "../../conformance/llama-cpp/workloads.ts";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { inspectModel } from "../../src/inspect.ts";

const { rows } = readGolden("fixtures");

describe("weights and cache as llama.cpp allocates them", () => {
  it("are known for every GGUF fixture and every workload", () => {
    const asked = fixtureModels().flatMap(({ name }) => WORKLOADS.map((workload) => JSON.stringify([name, workload])));
    expect(rows.map((row) => JSON.stringify([row.model, row.workload]))).toEqual(asked);
  });

  it.each([...new Set(rows.map((row) => row.model))])(
    "%s: equal to the byte, and refused where it is",
    async (name) => {
      const model = await inspectModel(join(FIXTURE_FILES, name));
      const verdicts = rows.filter((row) => row.model === name).map((row) => compareRow(model, row));
      expect(verdicts).toEqual(WORKLOADS.map(() => ({ state: "equal" })));
    },
  );
});
