import { inspectModel } from "../../../src/inspect.ts";
import type { MemoryItem } from "../../../src/runtimes/estimate.ts";
import { computeItems } from "../../../src/runtimes/llama-cpp/compute.ts";
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
  // A draft beside the model it is for is weighed in the context of a workload, and not as a model of its own.
  const itemsOf = (workload: PlacedWorkload): readonly MemoryItem[] | undefined =>
    target === undefined
      ? tryEstimate(model, workload)?.items
      : (computeItems({ ...subjectOf(model, workload, target), cacheBytes: 0 }).buffers ?? []);
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
      if (typeof golden !== "object" || golden === null) return undefined;
      const difference = computeDifference(itemsOf(workload), golden);
      return difference && `${JSON.stringify(workload)}: ${difference}`;
    }),
  };
}

function computeDifference(items: readonly MemoryItem[] | undefined, golden: ComputeBytes): string {
  if (items === undefined) return "refused, llama.cpp not";
  return golden
    .flatMap((bytes, index) => {
      const held = compareCompute({ items }, deviceName(index), bytes);
      if (held === "compute") return [];
      return [typeof held === "object" ? held.difference : `${deviceName(index)}: an estimate, llama.cpp ${bytes}`];
    })
    .join("; ");
}
