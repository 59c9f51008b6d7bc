import { InspectError } from "../../errors.ts";
import type { Mixer } from "../../model/mixer.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import { cacheKind } from "./cache-kind.ts";
import { LAYOUTS } from "./layouts.ts";
import type { MlxSettings } from "./settings.ts";

/** Refuses options that mlx-lm breaks off on with this model, at once or as soon as the context is long enough. */
export function refuseOptions(model: Model, module: string, settings: MlxSettings): void {
  if (settings.sequences > 1) refuseSequences(model, module, settings);
  if (settings.kvBits !== undefined) refusePacking(model, module, settings);
}

function refuseSequences(model: Model, module: string, settings: MlxSettings): void {
  if (LAYOUTS.get(module)?.oneSequence === true) {
    refuse("sequences", `mlx-lm runs one sequence of ${module} at once`);
  }
  if (model.layers.some((layer) => cacheKind(model, module, layer, settings).name === "chunked")) {
    refuse("sequences", `mlx-lm runs one sequence of ${module} at once: its ChunkedKVCache takes no more`);
  }
}

function refusePacking(model: Model, module: string, settings: MlxSettings): void {
  const { kvGroupSize, sequences } = settings;
  if (sequences > 1) refuse("kvBits", "mlx-lm packs the cache of one sequence only: BatchGenerator has no kv_bits");
  if (LAYOUTS.get(module)?.readsUnpacked === true) {
    refuse("kvBits", `mlx-lm cannot read a packed cache with the attention of ${module}`);
  }
  if (LAYOUTS.get(module)?.grouped === true) return;
  for (const layer of model.layers) {
    if (attentionPart(layer.mixer) === undefined) continue;
    const { name } = cacheKind(model, module, layer, settings);
    if (name === "chunked") continue;
    if (name === "rotating") {
      refuse("kvBits", "mlx-lm has no packed cache that rotates (RotatingKVCache): leave out kvBits, or maxKvSize");
    }
    for (const width of packedWidths(layer.mixer, LAYOUTS.get(module)?.expanded === true)) {
      if (width === "latent") refuse("kvBits", `mlx-lm cannot read a packed cache of latents, as ${module} has`);
      if (width % kvGroupSize !== 0) {
        refuse("kvGroupSize", `mlx-lm packs whole groups: ${kvGroupSize} does not divide a head of ${width} elements`);
      }
    }
  }
}

/** Widths of the rows that would be packed; those of a `CacheList` never are. */
function packedWidths(mixer: Mixer, expanded: boolean): readonly (number | "latent")[] {
  if (mixer.kind === "attention") {
    return mixer.indexer === undefined && mixer.sharesCacheWith === undefined ? [mixer.keyDim, mixer.valueDim] : [];
  }
  if (mixer.kind !== "latent" || mixer.indexer !== undefined || mixer.attentions !== undefined) return [];
  return expanded ? [mixer.nopeDim + mixer.ropeDim, mixer.valueDim] : ["latent"];
}

function refuse(option: string, message: string): never {
  throw new InspectError("unsupported-option", message, { key: option });
}
