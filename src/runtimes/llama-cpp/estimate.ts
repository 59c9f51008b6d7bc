import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import type { Certainty, MemoryEstimate } from "../estimate.ts";
import { bytesPerToken, cacheItems } from "../layer-cache.ts";
import type { LlamaCppWorkload } from "../workload.ts";
import { deviceCaches } from "./cache.ts";
import { blockCount } from "./cached-layers.ts";
import { cellsOf } from "./cells.ts";
import { computeItems } from "./compute.ts";
import { overheadItems } from "./overhead.ts";
import { placeBlocks } from "./placement.ts";
import { PROVEN_CACHES, PROVEN_WEIGHTS } from "./proven.ts";
import { refuseCacheTypes } from "./refusals.ts";
import { resolveSettings } from "./settings.ts";
import { placeTensors } from "./tensor-place.ts";
import { LLAMA_CPP_VERSION } from "./version.ts";
import { weightItems } from "./weights.ts";

/** What llama.cpp allocates on each device: blocks and their caches on the GPUs there are, the rest on the host. */
export function estimateLlamaCpp(model: Model, workload: LlamaCppWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  refuseCacheTypes(model, settings);
  const placement = placeBlocks(settings, blockCount(model));
  const places = placeTensors(model, settings, placement);
  const cells = cellsOf(settings, model.causal);
  const caches = deviceCaches(model, settings, cells, placement);
  const all = caches?.flatMap((each) => each.caches) ?? null;
  const cacheBytes = all?.reduce((sum, cache) => sum + cache.bytes, 0) ?? 0;
  // The golden numbers were asked for of models: an adapter goes by the architecture it is for.
  const certainty = (proven: ReadonlySet<string>): Certainty =>
    model.layers.length > 0 && proven.has(model.architecture ?? "") ? "exact" : "derived";
  return assembleEstimate({
    runtime: "llama.cpp",
    runtimeVersion: LLAMA_CPP_VERSION,
    workload: settings,
    deviceNames: [...new Set([...settings.devices.filter(({ kind }) => kind !== "cpu"), placement.host])].map(
      ({ name }) => name,
    ),
    weights: weightItems(model, settings, placement, places, certainty(PROVEN_WEIGHTS)),
    cache: caches?.flatMap((each) => cacheItems(each.caches, each.device.name, certainty(PROVEN_CACHES))) ?? null,
    compute: computeItems(model, settings, cells, placement, places, cacheBytes),
    overhead: overheadItems(model, settings, cells, placement, places, certainty(PROVEN_CACHES)),
    cachePerToken: all && bytesPerToken(all),
    sequences: settings.sequences,
    diagnostics: [],
  });
}
