import type { Model } from "../../../src/model/model.ts";
import { blockCount } from "../../../src/runtimes/llama-cpp/cached-layers.ts";
import { cellsOf } from "../../../src/runtimes/llama-cpp/cells.ts";
import { ENCODERS_WITH_CACHE, WITHOUT_FLASH_ATTENTION } from "../../../src/runtimes/llama-cpp/engine-facts.ts";
import { type GraphBuilder, type GraphSubject, graphSubject } from "../../../src/runtimes/llama-cpp/graph/context.ts";
import { type DrawnGraph, drawGraph } from "../../../src/runtimes/llama-cpp/graph/draw.ts";
import { GRAPH_FAMILIES } from "../../../src/runtimes/llama-cpp/graph/registry.ts";
import { placeBlocks } from "../../../src/runtimes/llama-cpp/placement.ts";
import { batchesOf } from "../../../src/runtimes/llama-cpp/reserve.ts";
import { resolveSettings } from "../../../src/runtimes/llama-cpp/settings.ts";
import { placeTensors } from "../../../src/runtimes/llama-cpp/tensor-place.ts";
import type { PlacedWorkload } from "../placements.ts";

/** Who draws the graph of an architecture. */
export async function builderOf(architecture: string | null): Promise<GraphBuilder | undefined> {
  const family = await GRAPH_FAMILIES.get(architecture ?? "")?.();
  return family?.[architecture ?? ""];
}

/** A model in the context of a workload, as `estimateMemory` has it. */
export function subjectOf(model: Model, workload: PlacedWorkload): GraphSubject {
  const settings = resolveSettings(model, { runtime: "llama.cpp", ...workload });
  const placement = placeBlocks(settings, blockCount(model));
  return graphSubject({
    model,
    settings,
    placement,
    places: placeTensors(model, settings, placement),
    cells: cellsOf(settings, model.causal || ENCODERS_WITH_CACHE.has(model.architecture ?? "")),
  });
}

/** The graph of a prompt, which `ask --graph` writes: all logits of its tokens are put out. */
export function drawnOnHost(subject: GraphSubject, builder: GraphBuilder): DrawnGraph {
  const { settings, cells, model } = subject;
  const flashAttention = settings.flashAttention !== "off" && !WITHOUT_FLASH_ATTENTION.has(model.architecture ?? "");
  const [batch] = batchesOf(subject, { flashAttention, hyperPre: true, hyperCombine: true, hyperPost: true });
  if (batch === undefined) throw new Error("no batch");
  return drawGraph(subject, { ...batch, outputs: Math.min(cells.full * cells.streams, cells.microBatch) }, builder);
}
