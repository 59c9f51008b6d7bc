import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model, ModelLayer } from "../../model/model.ts";
import { LAYOUTS } from "./layouts.ts";
import { makesCache } from "./modules.ts";
import { KEPT_TOKENS, type MlxSettings } from "./settings.ts";

/** The class that mlx-lm keeps a layer's keys and values in. */
export type CacheKind =
  | { readonly name: "growing" }
  | { readonly name: "rotating"; readonly tokens: number; readonly kept: number }
  | { readonly name: "chunked"; readonly tokens: number };

const GROWING: CacheKind = { name: "growing" };

/** By the layer's window, where its module makes caches by layer; else all alike. */
export function cacheKind(model: Model, module: string, layer: ModelLayer, { maxKvSize }: MlxSettings): CacheKind {
  if (!makesCache(module)) {
    return maxKvSize === undefined ? GROWING : { name: "rotating", tokens: maxKvSize, kept: KEPT_TOKENS };
  }
  const window = attentionPart(layer.mixer)?.window ?? { kind: "none" };
  if (window.kind === "none") return GROWING;
  if (LAYOUTS.get(module)?.windows === "listed" && !listsWindow(model, layer.index)) return GROWING;
  if (window.kind === "chunked") return { name: "chunked", tokens: window.tokens };
  return { name: "rotating", tokens: window.tokens, kept: 0 };
}

/** Whether `layer_types` names a window for the layer. */
function listsWindow({ metadata }: Model, index: number): boolean {
  const listed = metadata["layer_types"];
  return Array.isArray(listed) && listed[index] === "sliding_attention";
}
