import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import type { TransformersSettings } from "./settings.ts";

/**
 * Bytes that each layer's cache keeps alive beyond its tensors. A dynamic window keeps a slice of what one pass read: after
 * a prompt the whole prompt, after one more token a row more than it holds (DynamicSlidingWindowLayer.update).
 */
export function keptBySlices(
  model: Model,
  caches: readonly (readonly LayerCache[])[],
  settings: TransformersSettings,
  readTokens: number,
): number[] {
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  return caches.map((own, index) => {
    const mixer = layers[index]?.mixer;
    const attention = mixer && attentionPart(mixer);
    const [first] = own;
    if (settings.cache !== "dynamic" || attention === undefined || first === undefined) return 0;
    if (attention.window.kind === "none" || attention.window.tokens > settings.contextTokens) return 0;
    return Math.max(0, first.bytesPerToken * readTokens * settings.sequences * settings.beams - first.bytes);
  });
}
