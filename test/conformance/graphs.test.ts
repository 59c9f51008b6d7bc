import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { holeyFile } from "../../conformance/holey-file.ts";
import { graphRows } from "../../conformance/llama-cpp/compared.ts";
import { compareGraphs } from "../../conformance/llama-cpp/graphs/compare.ts";
import { drawnOnHost, subjectOf, targetOf } from "../../conformance/llama-cpp/graphs/drawn.ts";
import { WHOLE_GRAPHS, wholeGraphPath } from "../../conformance/llama-cpp/graphs/golden.ts";
import { ggufOf, titleOf } from "../../conformance/llama-cpp/graphs/models.ts";
import { COMPUTE_WORKLOADS, GRAPH_WORKLOADS, VARIANT_WORKLOADS } from "../../conformance/llama-cpp/graphs/workloads.ts";
import { writtenGraph } from "../../conformance/llama-cpp/graphs/written.ts";
import { readWholeModels } from "../../conformance/llama-cpp/whole-models/golden.ts";
import { inspectModel } from "../../src/inspect.ts";
import { GRAPH_BUILDERS } from "../../src/runtimes/llama-cpp/graph/registry.ts";

const rows = graphRows();
const architectures = new Set(readWholeModels().rows.map(({ architecture }) => architecture));

describe("the golden graphs", () => {
  it("are of every architecture, and so is the drawing", () => {
    expect(architectures.size).toBeGreaterThanOrEqual(140);
    expect(new Set(rows.map(({ row }) => row.architecture))).toEqual(architectures);
    expect(new Set(GRAPH_BUILDERS.keys())).toEqual(architectures);
  });

  it("are of the models beside them", () => {
    for (const { model, row: golden } of rows) {
      const { variant } = model;
      const { keys, architecture, title, tied } = model.row;
      const named = { keys, architecture, title, ...(tied && { tied }), ...(variant && { variant: variant.title }) };
      expect(golden).toMatchObject(named);
      expect(golden.graphs).toHaveLength(GRAPH_WORKLOADS.length);
      const workloads = variant === undefined ? COMPUTE_WORKLOADS : VARIANT_WORKLOADS;
      if (golden.compute) expect(golden.compute).toHaveLength(workloads.length);
    }
  });

  it.each(COMPUTE_WORKLOADS.map((each, index) => [`${each.setting}, ${each.device}`, index] as const))(
    "have compute buffers for %s, of as good as all architectures",
    (_name, index) => {
      const answered = rows.filter(({ row }) => Array.isArray(row.compute?.[index]));
      expect(new Set(answered.map(({ row }) => row.architecture)).size).toBeGreaterThanOrEqual(140);
    },
  );
});

describe("graphs as llama.cpp builds them, and compute buffers as it reserves them", () => {
  it.each(rows.map(({ model, row }) => [titleOf(model), model, row] as const))(
    "%s: equal block by block, and to the byte",
    async (_name, model, row) => {
      const { graphs, compute } = await compareGraphs(model, row);
      const answers = [...graphs, ...compute].filter((difference) => difference !== undefined);
      expect(answers.filter((difference) => difference !== "")).toEqual([]);
      expect(answers.length).toBeGreaterThan(0);
    },
  );

  it.each(WHOLE_GRAPHS)("%s: equal node by node", async (name) => {
    const [model] = rows.map(({ model }) => model).filter(({ row }) => row.architecture === name && row.title === "");
    const builder = GRAPH_BUILDERS.get(name);
    const [workload] = GRAPH_WORKLOADS;
    if (model === undefined || builder === undefined || workload === undefined) throw new Error(`no graph of ${name}`);
    const read = await inspectModel(holeyFile(ggufOf(model)));
    const lines = writtenGraph(drawnOnHost(subjectOf(read, workload, await targetOf(model)), builder));
    expect(lines).toEqual(readFileSync(wholeGraphPath(name), "utf8").split("\n").slice(0, -1));
  });
});
