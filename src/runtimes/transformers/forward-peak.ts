import type { Model } from "../../model/model.ts";
import { layerPass, masksOf, type Pass, standingBytes, wordsOf } from "./forward-layer.ts";
import { layerMoments } from "./forward-moments.ts";
import { type ForwardTraits, forwardTraits } from "./forward-traits.ts";

const FLOAT32_BYTES = 4;

/** What each layer's cache holds, in bytes: before and after the pass, and while it grows. */
export type LayerGrowth = { readonly before: number; readonly after: number; readonly growing: number };

/**
 * Most bytes alive during a pass beside weights and beside what the caches hold after it: over every layer and moment,
 * what the layer has alive, with the caches of later layers not grown yet; then the logits of the last token.
 */
export function peakBytes(model: Model, pass: Pass, growth: readonly LayerGrowth[]): number {
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  const traits = forwardTraits(model.architecture);
  const maskBytes = masksOf(layers, pass);
  let ungrown = growth.reduce((sum, { before, after }) => sum + before - after, 0);
  let peak = 0;
  for (const [index, layer] of layers.entries()) {
    const { before, after, growing } = growth[index] ?? NOT_CACHED;
    const grown = ungrown + after - before;
    const moments = layerMoments(layerPass(model, layer, { pass, traits, maskBytes, first: index === 0 }));
    for (const moment of moments) {
      const copied = moment.growing ? growing : 0;
      peak = Math.max(peak, moment.bytes + (moment.cached ? grown : ungrown) + copied);
    }
    ungrown = grown;
  }
  return Math.max(peak, logitBytes(model, pass, traits));
}

const NOT_CACHED: LayerGrowth = { before: 0, after: 0, growing: 0 };

/**
 * Logits of the last token, then as float32 for the choice of the next (`generation/utils.py`, _sample); scaled ones twice
 * while the hidden vectors they come from are held.
 */
function logitBytes(model: Model, pass: Pass, traits: ForwardTraits): number {
  const { sequences, tokens, elementBytes } = pass;
  const words = sequences * wordsOf(model);
  const standing = standingBytes(model, pass);
  const searched = pass.beamSearch ? 2 * words * FLOAT32_BYTES : 0;
  const chosen = words * (elementBytes + FLOAT32_BYTES) + searched + standing;
  const scaled = (2 * words + sequences * tokens * (model.hiddenSize ?? 0)) * elementBytes + standing;
  return traits.scaledLogits ? Math.max(chosen, scaled) : chosen;
}
