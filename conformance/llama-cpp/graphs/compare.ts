import { inspectModel } from "../../../src/inspect.ts";
import type { Model } from "../../../src/model/model.ts";
import { GRAPH_BUILDERS } from "../../../src/runtimes/llama-cpp/graph/registry.ts";
import { holeyFile } from "../../holey-file.ts";
import { compareCompute, deviceName, tryEstimate } from "../placed.ts";
import type { PlacedWorkload } from "../placements.ts";
import { hashedGraph } from "./blocks.ts";
import { drawnOnHost, subjectOf, targetOf } from "./drawn.ts";
import type { ComputeBytes, GraphRow } from "./golden.ts";
import { type GraphModel, ggufOf } from "./models.ts";
import { COMPUTE_WORKLOADS, GRAPH_WORKLOADS } from "./workloads.ts";
import { writtenGraph } from "./written.ts";

/** By workload: how what weighin draws differs from the engine's, `""` where it does not; undefined where the engine gave none. */
export type GraphVerdict = {
  readonly graphs: readonly (string | undefined)[];
  readonly compute: readonly (string | undefined)[];
};

/** Draws the graphs of a model and holds them, block by block, against the engine's; and the compute buffers, to the byte. */
export async function compareGraphs(graphModel: GraphModel, row: GraphRow): Promise<GraphVerdict> {
  const model = await inspectModel(holeyFile(ggufOf(graphModel)));
  const target = await targetOf(graphModel);
  const builder = GRAPH_BUILDERS.get(model.architecture ?? "");
  if (builder === undefined) throw new Error(`${model.architecture} has no builder`);
  return {
    graphs: GRAPH_WORKLOADS.map((workload, index) => {
      const golden = row.graphs[index];
      if (!Array.isArray(golden)) return undefined;
      const drawn = hashedGraph(writtenGraph(drawnOnHost(subjectOf(model, workload, target), builder)));
      if (JSON.stringify(drawn) === JSON.stringify(golden)) return "";
      return `${JSON.stringify(workload)}: graph ${drawn.join(" ")}, llama.cpp ${golden.join(" ")}`;
    }),
    compute: COMPUTE_WORKLOADS.map(({ workload }, index) => {
      const golden = row.compute?.[index];
      return typeof golden === "object" && golden !== null ? computeDifference(model, workload, golden) : undefined;
    }),
  };
}

function computeDifference(model: Model, workload: PlacedWorkload, golden: ComputeBytes): string {
  const memory = tryEstimate(model, workload);
  const differences = golden.flatMap((bytes, index) => {
    const held = memory && compareCompute(memory, deviceName(index), bytes);
    if (held === "compute") return [];
    return [typeof held === "object" ? held.difference : `${held ?? "refused"}, llama.cpp ${bytes}`];
  });
  return differences.length === 0 ? "" : `${JSON.stringify(workload)} ${differences.join("; ")}`;
}
