import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { ACCURACY_DOC, accuracyDoc } from "../../conformance/accuracy-doc.ts";
import { holeyFile } from "../../conformance/holey-file.ts";
import { ARCHITECTURE_CASES } from "../../conformance/llama-cpp/architectures/cases.ts";
import { checkVariants, checkWholeModels } from "../../conformance/llama-cpp/check-devices.ts";
import { checkGraphs } from "../../conformance/llama-cpp/check-graphs.ts";
import { comparedGraphs, comparedVariants, comparedWholeModels } from "../../conformance/llama-cpp/compared.ts";
import { drawnOnHost, subjectOf, targetOf } from "../../conformance/llama-cpp/graphs/drawn.ts";
import { WHOLE_GRAPHS, wholeGraphPath } from "../../conformance/llama-cpp/graphs/golden.ts";
import { ggufOf, graphModels, titleOf } from "../../conformance/llama-cpp/graphs/models.ts";
import { COMPUTE_WORKLOADS, GRAPH_WORKLOADS, VARIANT_WORKLOADS } from "../../conformance/llama-cpp/graphs/workloads.ts";
import { writtenGraph } from "../../conformance/llama-cpp/graphs/written.ts";
import { DEEP_GRID, PLACEMENT_GRID, PLACEMENTS, VARIANT_PLACEMENTS } from "../../conformance/llama-cpp/placements.ts";
import type { VariantRow } from "../../conformance/llama-cpp/variants/golden.ts";
import { variants } from "../../conformance/llama-cpp/variants/variants.ts";
import { KEYS_ALONE } from "../../conformance/llama-cpp/whole-models/keys-alone.ts";
import { WHOLE_WORKLOADS } from "../../conformance/llama-cpp/whole-models/workloads.ts";
import { inspectModel } from "../../src/inspect.ts";
import { GRAPH_BUILDERS } from "../../src/runtimes/llama-cpp/graph/registry.ts";
import { counted, rowWith } from "../support/readme.ts";

/* Models of llama.cpp, and what is written about them: together in one file, because all are compared once. */

const whole = await comparedWholeModels();
const changed = await comparedVariants();
const graphs = await comparedGraphs();
const wholeRows = whole.map(({ row }) => row);
const changedRows = changed.map(({ row }) => row);
const graphRows = graphs.map(({ row }) => row);
const architectures = new Set(wholeRows.map(({ architecture }) => architecture));

describe("whole models as llama.cpp places them", () => {
  it("are of every architecture that the engine was asked of, at twelve settings and more", () => {
    const asked = new Set(ARCHITECTURE_CASES.map(({ architecture }) => architecture));
    expect(new Set(wholeRows.map(({ architecture }) => architecture))).toEqual(asked);
    expect(WHOLE_WORKLOADS.length).toBeGreaterThanOrEqual(12);
    expect(
      wholeRows.every(
        ({ answers, placed }) => answers.length === WHOLE_WORKLOADS.length && placed.length === PLACEMENTS.length,
      ),
    ).toBe(true);
  });

  it("are twelve and more that were asked for every combination of devices", () => {
    const grids = wholeRows.flatMap(({ grid }) => (grid === undefined ? [] : [grid.length]));
    expect(grids.length).toBeGreaterThanOrEqual(12);
    expect(new Set(grids)).toEqual(new Set([PLACEMENT_GRID.length]));
  });

  it.each(
    whole.map(
      (each) =>
        [`${each.row.keys} ${each.row.architecture} ${each.row.title}${each.row.tied ? " tied" : ""}`, each] as const,
    ),
  )(
    "%s: weights, cache, compute, output and work buffer equal to the byte, on each device",
    (_name, { row, verdict: { host, differences } }) => {
      expect(differences).toEqual([]);
      expect(host.weights).toBe(row.answers.filter((answer) => Array.isArray(answer)).length);
      expect(host.weights).toBeGreaterThan(0);
    },
  );
});

const nameOf = ({ architecture, title, variant }: Pick<VariantRow, "architecture" | "title" | "variant">): string =>
  `${architecture} ${title}, ${variant}`;

describe("variants of models as llama.cpp places them", () => {
  it("are all that can be made of every case, and the whole models are all the others", () => {
    const made = new Set(changedRows.map(nameOf));
    const certain = variants().filter(({ without, inGrid }) => without === undefined || inGrid);
    for (const { base, variant } of certain) expect(made).toContain(nameOf({ ...base, variant }));
    expect(changedRows.length - certain.length).toBeGreaterThan(45);
    const asked = new Set(
      wholeRows.flatMap((row) => (row.keys === "architectures" ? [`${row.architecture} ${row.title}`] : [])),
    );
    const cases = ARCHITECTURE_CASES.map(({ architecture, title }) => `${architecture} ${title}`);
    expect(cases.filter((name) => !asked.has(name)).sort()).toEqual([...KEYS_ALONE].sort());
  });

  it("are asked for every placement, and the deep ones for a hundred and more", () => {
    expect(DEEP_GRID.length).toBeGreaterThan(100);
    expect(changedRows.every(({ placed }) => placed.length === VARIANT_PLACEMENTS.length)).toBe(true);
    const grids = changedRows.flatMap(({ grid }) => (grid === undefined ? [] : [grid.length]));
    expect(grids.length).toBeGreaterThanOrEqual(12);
    expect(new Set(grids)).toEqual(new Set([DEEP_GRID.length]));
  });

  it.each(changed.map((each) => [nameOf(each.row), each] as const))(
    "%s: weights, cache, compute and output equal to the byte, on each device",
    (_name, { verdict: { exact, differences } }) => {
      expect(differences).toEqual([]);
      expect(exact.weights).toBeGreaterThan(0);
    },
  );
});

describe("the golden graphs", () => {
  it("are of every architecture, and so is the drawing", () => {
    expect(architectures.size).toBeGreaterThanOrEqual(140);
    expect(new Set(graphRows.map(({ row }) => row.architecture))).toEqual(architectures);
    expect(new Set(GRAPH_BUILDERS.keys())).toEqual(architectures);
  });

  it("are of the models beside them", () => {
    for (const { model, row: golden } of graphRows) {
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
      const answered = graphRows.filter(({ row }) => Array.isArray(row.compute?.[index]));
      expect(new Set(answered.map(({ row }) => row.architecture)).size).toBeGreaterThanOrEqual(140);
    },
  );
});

describe("graphs as llama.cpp builds them, and compute buffers as it reserves them", () => {
  it.each(graphs.map(({ row, verdict }) => [titleOf(row.model), verdict] as const))(
    "%s: equal block by block, and to the byte",
    (_name, { graphs, compute }) => {
      const answers = [...graphs, ...compute].filter((difference) => difference !== undefined);
      expect(answers.filter((difference) => difference !== "")).toEqual([]);
      expect(answers.length).toBeGreaterThan(0);
    },
  );

  it.each(WHOLE_GRAPHS)("%s: equal node by node", async (name) => {
    const [model] = graphRows
      .map(({ model }) => model)
      .filter(({ row }) => row.architecture === name && row.title === "");
    const builder = GRAPH_BUILDERS.get(name);
    const [workload] = GRAPH_WORKLOADS;
    if (model === undefined || builder === undefined || workload === undefined) throw new Error(`no graph of ${name}`);
    const read = await inspectModel(holeyFile(ggufOf(model)));
    const lines = writtenGraph(drawnOnHost(subjectOf(read, workload, await targetOf(model)), builder));
    expect(lines).toEqual(readFileSync(wholeGraphPath(name), "utf8").split("\n").slice(0, -1));
  });
});

test("README.md counts the whole models that were compared, and their figures", async () => {
  const [models, architectures, exact] = await counted(checkWholeModels, /^(\d+) models of (\d+) arch.*?; (\d+)\/\3 /);
  const row = rowWith(`${models} whole models of all ${architectures} architectures`);
  expect(row).toContain(`0 bytes off in ${exact} of ${exact} |`);
});

test("README.md counts the variants that were compared, and their figures", async () => {
  const [models, exact] = await counted(checkVariants, /^(\d+) models; (\d+)\/\2 /);
  expect(rowWith(`${models} variants: `)).toContain(`0 bytes off in ${exact} of ${exact} |`);
});

test("README.md counts the graphs that were compared, and the compute buffers planned on them", async () => {
  const { state, summary } = await checkGraphs();
  expect(state).toBe("passed");
  const [graphs = 0, ...buffers] = [...summary.matchAll(/ (\d+)\/\1 exact/g)].map(([, count]) => Number(count));
  const sum = buffers.reduce((total, count) => total + count, 0);
  expect(buffers).toHaveLength(COMPUTE_WORKLOADS.length);
  const row = rowWith(`graphs of ${graphModels().length} models`);
  expect(row).toContain(`0 nodes off in ${graphs}, 0 bytes in ${sum} |`);
});

test("docs/accuracy.md says what the golden numbers say (npm run generate)", async () => {
  expect(readFileSync(ACCURACY_DOC, "utf8")).toBe(await accuracyDoc());
});
