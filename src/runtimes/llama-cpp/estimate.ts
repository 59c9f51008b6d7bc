import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import type { Certainty, MemoryEstimate } from "../estimate.ts";
import { bytesPerToken, cacheItems } from "../layer-cache.ts";
import type { Device, LlamaCppWorkload } from "../workload.ts";
import { layerCaches } from "./cache.ts";
import { cellsOf } from "./cells.ts";
import { computeItems } from "./compute.ts";
import { overheadItems } from "./overhead.ts";
import { alignmentOf, placeOn } from "./placement.ts";
import { PROVEN_ARCHITECTURES } from "./proven.ts";
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
  const certainty = certaintyOf(model, placement.main.kind);
  return assembleEstimate({
    runtime: "llama.cpp",
    runtimeVersion: LLAMA_CPP_VERSION,
    workload: settings,
    deviceNames: [...new Set([placement.main.name, placement.host.name])],
    weights: weightItems(model, placement, certainty),
    cache: caches && cacheItems(caches, placement.main.name, certainty),
    compute: computeItems(model, settings, cells, placement),
    overhead: overheadItems(model, settings, placement),
    cachePerToken: caches && bytesPerToken(caches),
    sequences: settings.sequences,
    diagnostics: [],
  });
}

/** The golden numbers were asked for on a CPU. */
function certaintyOf(model: Model, kind: Device["kind"]): Certainty {
  return kind === "cpu" && PROVEN_ARCHITECTURES.has(model.architecture ?? "") ? "exact" : "derived";
}
