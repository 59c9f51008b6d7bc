import { inspectModel } from "../../../src/inspect.ts";
import type { Model } from "../../../src/model/model.ts";
import { GRAPH_BUILDERS } from "../../../src/runtimes/llama-cpp/graph/registry.ts";
import { holeyFile } from "../../holey-file.ts";
import { tryEstimate } from "../placed.ts";
import type { PlacedWorkload } from "../placements.ts";
import { hashedGraph } from "./blocks.ts";
import { drawnOnHost, subjectOf, targetOf } from "./drawn.ts";
import type { ComputeBytes, GraphRow } from "./golden.ts";
import { type GraphModel, ggufOf } from "./models.ts";
import { COMPUTE_WORKLOADS, GRAPH_WORKLOADS } from "./workloads.ts";
import { writtenGraph } from "./written.ts";

/** How many graphs and compute buffers are the engine's, and how the others differ. */
export type GraphVerdict = { graphs: number; compute: number; readonly differences: string[] };

/** Draws the graphs of a model and holds them, block by block, against the engine's; and the compute buffers, to the byte. */
export async function compareGraphs(graphModel: GraphModel, row: GraphRow): Promise<GraphVerdict> {
  const model = await inspectModel(holeyFile(ggufOf(graphModel)));
  const verdict: GraphVerdict = { graphs: 0, compute: 0, differences: [] };
  const builder = GRAPH_BUILDERS.get(model.architecture ?? "");
  if (builder === undefined) return { ...verdict, differences: [`${model.architecture} has no builder`] };
  const target = await targetOf(graphModel);
  GRAPH_WORKLOADS.forEach((workload, index) => {
    const golden = row.graphs[index];
    if (!Array.isArray(golden)) return;
    const drawn = hashedGraph(writtenGraph(drawnOnHost(subjectOf(model, workload, target), builder)));
    if (JSON.stringify(drawn) === JSON.stringify(golden)) verdict.graphs += 1;
    else
      verdict.differences.push(`${JSON.stringify(workload)}: graph ${drawn.join(" ")}, llama.cpp ${golden.join(" ")}`);
  });
  COMPUTE_WORKLOADS.forEach((workload, index) => {
    const golden = row.compute?.[index];
    if (typeof golden === "object" && golden !== null) compareCompute(model, workload, golden, verdict);
  });
  return verdict;
}

function compareCompute(model: Model, workload: PlacedWorkload, golden: ComputeBytes, verdict: GraphVerdict): void {
  const asked = JSON.stringify(workload);
  const memory = tryEstimate(model, workload);
  if (memory === undefined) return void verdict.differences.push(`${asked}: refused`);
  golden.forEach((bytes, index) => {
    const name = index === 0 ? "CPU" : `GPU${index - 1}`;
    const own = memory.items.filter(({ component, device }) => component === "compute" && device === name);
    const sum = own.reduce((total, item) => total + item.bytes, 0);
    if (sum === bytes && own.every(({ certainty }) => certainty !== "estimate")) verdict.compute += 1;
    else verdict.differences.push(`${asked} ${name}: compute ${sum}, llama.cpp ${bytes}`);
  });
}
