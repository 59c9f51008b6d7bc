import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import type { TransformersSettings } from "./settings.ts";

/**
 * Bytes that each layer's cache keeps alive beyond its tensors. A dynamic window keeps a slice of what one pass read: after
 * a prompt the whole prompt, after one more token a row more than it holds (`cache_utils.py`,
 * DynamicSlidingWindowLayer.update). `caches` are those of `settings`.
 */
export function keptBySlices(
  model: Model,
  caches: readonly (readonly LayerCache[])[],
  settings: TransformersSettings,
  after: "prompt" | "token",
): number[] {
  const { contextTokens } = settings;
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  return caches.map((own, index) => {
    const mixer = layers[index]?.mixer;
    const attention = mixer && attentionPart(mixer);
    const [first] = own;
    if (settings.cache !== "dynamic" || attention === undefined || first === undefined) return 0;
    if (attention.window.kind === "none" || attention.window.tokens > contextTokens) return 0;
    const read = after === "prompt" ? contextTokens : attention.window.tokens;
    return first.bytesPerToken * read * settings.sequences * settings.beams - first.bytes;
  });
}
