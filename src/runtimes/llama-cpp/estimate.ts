import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import type { Certainty, MemoryEstimate } from "../estimate.ts";
import { bytesPerToken, cacheItems } from "../layer-cache.ts";
import type { LlamaCppWorkload } from "../workload.ts";
import { layerCaches } from "./cache.ts";
import { cellsOf } from "./cells.ts";
import { computeItems } from "./compute.ts";
import { overheadItems } from "./overhead.ts";
import { alignmentOf, placeOn } from "./placement.ts";
import { PROVEN_CACHES, PROVEN_WEIGHTS } from "./proven.ts";
import { refuseCacheTypes } from "./refusals.ts";
import { resolveSettings } from "./settings.ts";
import { LLAMA_CPP_VERSION } from "./version.ts";
import { weightItems } from "./weights.ts";

/** What llama.cpp allocates, all layers on one device and the input tensors on the host. */
export function estimateLlamaCpp(model: Model, workload: LlamaCppWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  refuseCacheTypes(model, settings);
  const placement = placeOn(settings.devices);
  const cells = cellsOf(settings, model.causal);
  const caches = layerCaches(model, settings, cells, alignmentOf(placement.main))?.flat() ?? null;
  const cacheBytes = caches?.reduce((sum, cache) => sum + cache.bytes, 0) ?? 0;
  // The golden numbers were asked for on a CPU, of models: an adapter goes by the architecture it is for.
  const asked = placement.main.kind === "cpu" && model.layers.length > 0;
  const certainty = (proven: ReadonlySet<string>): Certainty =>
    asked && proven.has(model.architecture ?? "") ? "exact" : "derived";
  return assembleEstimate({
    runtime: "llama.cpp",
    runtimeVersion: LLAMA_CPP_VERSION,
    workload: settings,
    deviceNames: [...new Set([placement.main.name, placement.host.name])],
    weights: weightItems(model, placement, certainty(PROVEN_WEIGHTS)),
    cache: caches && cacheItems(caches, placement.main.name, certainty(PROVEN_CACHES)),
    compute: computeItems(model, settings, cells, placement, cacheBytes),
    overhead: overheadItems(model, settings, placement),
    cachePerToken: caches && bytesPerToken(caches),
    sequences: settings.sequences,
    diagnostics: [],
  });
}
