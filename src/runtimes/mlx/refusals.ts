import type { Model } from "../../model/model.ts";
import { refuse } from "../refuse.ts";
import { cacheKind } from "./cache-kind.ts";
import { LAYOUTS } from "./layouts.ts";
import { rowsOf } from "./rows.ts";
import type { MlxSettings } from "./settings.ts";

/** Refuses options that mlx-lm breaks off on with this model, at once or as soon as the context is long enough. */
export function refuseOptions(model: Model, module: string, settings: MlxSettings): void {
  if (settings.sequences > 1) refuseSequences(model, module, settings);
  if (settings.kvBits !== undefined) refusePacking(model, module, settings);
}

function refuseSequences(model: Model, module: string, settings: MlxSettings): void {
  if (LAYOUTS.get(module)?.oneSequence === true) {
    refuse("sequences", `mlx-lm runs one sequence of ${module} at once: its code breaks off on more`);
  }
  if (model.layers.some((layer) => cacheKind(model, module, layer, settings).name === "chunked")) {
    refuse("sequences", `mlx-lm runs one sequence of ${module} at once: its ChunkedKVCache takes no more`);
  }
}

function refusePacking(model: Model, module: string, settings: MlxSettings): void {
  const { kvGroupSize, sequences } = settings;
  if (sequences > 1) refuse("kvBits", "mlx-lm packs the cache of one sequence only: its BatchGenerator has no kv_bits");
  for (const layer of model.layers) {
    const { name } = cacheKind(model, module, layer, settings);
    const rows = rowsOf(layer.mixer, LAYOUTS.get(module) ?? {}).filter(({ packing }) => packing !== "never");
    if (rows.length === 0 || name === "chunked") continue;
    if (name === "rotating") {
      refuse("kvBits", "mlx-lm has no packed cache that rotates (RotatingKVCache.to_quantized): leave out kvBits");
    }
    if (rows.some(({ packing }) => packing === "unread")) {
      refuse("kvBits", `mlx-lm packs the cache of ${module} and then breaks off: its attention reads plain arrays`);
    }
    for (const { width } of rows.flatMap(({ vectors }) => vectors)) {
      if (width % kvGroupSize === 0) continue;
      refuse("kvGroupSize", `mlx-lm packs whole groups: ${kvGroupSize} does not divide vectors of ${width} elements`);
    }
  }
}
