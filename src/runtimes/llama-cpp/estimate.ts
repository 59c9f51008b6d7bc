import type { Diagnostic } from "../../diagnostics.ts";
import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import type { Certainty, MemoryEstimate, MemoryItem } from "../estimate.ts";
import { bytesPerToken, cacheItems } from "../layer-cache.ts";
import { deviceCaches } from "./cache.ts";
import { blockCount } from "./cached-layers.ts";
import { batchFitsContext, cellsOf } from "./cells.ts";
import { computeItems } from "./compute.ts";
import { graphsAreLoaded } from "./compute-graph.ts";
import { gpuContextItems, overheadItems } from "./overhead.ts";
import { placeBlocks } from "./placement.ts";
import { projectorItems } from "./projector.ts";
import { PROVEN_ARCHITECTURES } from "./proven.ts";
import { refuseCacheTypes, refuseGraph, refuseOutputs, refuseTensorSplit } from "./refusals.ts";
import { type Beside, secondContext } from "./second-context.ts";
import { resolveSettings } from "./settings.ts";
import { placeTensors } from "./tensor-place.ts";
import { splitAmongGpus } from "./tensor-split.ts";
import { LLAMA_CPP_VERSION } from "./version.ts";
import { weightItems } from "./weights.ts";
import type { LlamaCppWorkload } from "./workload.ts";

/** What llama.cpp allocates on each device: blocks and their caches on the GPUs there are, the rest on the host. */
export function estimateLlamaCpp(model: Model, workload: LlamaCppWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  refuseCacheTypes(model, settings);
  refuseTensorSplit(model, settings);
  const placement = placeBlocks(settings, blockCount(model));
  const places = placeTensors(model, settings, placement);
  const cells = cellsOf(settings, batchFitsContext(model));
  refuseOutputs(model, settings, cells);
  refuseGraph(model, settings, cells);
  const caches = deviceCaches(model, settings, cells, placement);
  const all = caches?.flatMap((each) => each.caches) ?? null;
  const cacheBytes = all?.reduce((sum, cache) => sum + cache.bytes, 0) ?? 0;
  // The golden numbers were asked for of models: an adapter goes by the architecture it is for.
  const isProven = model.layers.length > 0 && PROVEN_ARCHITECTURES.has(model.architecture ?? "");
  const certainty: Certainty = isProven ? "exact" : "derived";
  const overhead = overheadItems(model, settings, cells, placement, places, certainty);
  const { projector } = workload;
  const beside = [
    secondContext(model, workload, settings, placement),
    projector && projectorItems(projector, settings, placement),
  ].filter((parts) => parts !== undefined);
  const gpus = settings.devices.filter(({ kind }) => kind !== "cpu");
  const { buffers, pools } = computeItems({ model, settings, cells, placement, places, cacheBytes });
  const part = (
    own: readonly MemoryItem[] | null,
    component: Exclude<keyof Beside, "caches">,
  ): readonly MemoryItem[] | null => {
    const items = joined(own, beside, component);
    return items && settings.splitMode === "tensor" ? splitAmongGpus(items, model, gpus, settings) : items;
  };
  return assembleEstimate({
    runtime: "llama.cpp",
    runtimeVersion: LLAMA_CPP_VERSION,
    workload: settings,
    deviceNames: [...new Set([...gpus, placement.host])].map(({ name }) => name),
    weights: part(weightItems(model, settings, placement, places, certainty), "weights") ?? [],
    cache: part(caches?.flatMap((each) => cacheItems(each.caches, each.device.name, certainty)) ?? null, "cache"),
    compute: part(buffers, "compute"),
    overhead: part(overhead && [...overhead, ...pools, ...gpuContextItems(placement)], "overhead"),
    cachePerToken: all && bytesPerToken([...all, ...beside.flatMap(({ caches: more }) => more)]),
    sequences: settings.sequences,
    diagnostics: graphsAreLoaded() ? [] : [GRAPHS_NOT_LOADED],
  });
}

/** Reading a file loads what draws its graph; for a model that was not read here it has to be asked for. */
const GRAPHS_NOT_LOADED: Diagnostic = {
  code: "graphs-not-loaded",
  message: "the compute buffers are estimates: call `await loadComputeGraphs()` first for exact ones",
  where: "compute",
};

/** Items of the model and of what is loaded beside it; null where a part of either is not known. */
function joined(
  own: readonly MemoryItem[] | null,
  beside: readonly Beside[],
  component: Exclude<keyof Beside, "caches">,
): readonly MemoryItem[] | null {
  const more = beside.map((parts) => parts[component]);
  if (own === null || more.includes(null)) return null;
  return [...own, ...more.flatMap((items) => items ?? [])];
}
