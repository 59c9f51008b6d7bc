import type { Keys } from "../keys.ts";
import type { MixerRule } from "./architecture.ts";

/** Which layers are recurrent. */
type LayerChoice = (keys: Keys) => (layer: number) => boolean;

/** Recurrent layers between layers of attention. */
export function hybrid(isRecurrent: LayerChoice, recurrent: MixerRule, attention: MixerRule): MixerRule {
  return (keys) => {
    const recurs = isRecurrent(keys);
    const recurrentAt = recurrent(keys);
    const attentionAt = attention(keys);
    return (layer) => (recurs(layer) ? recurrentAt(layer) : attentionAt(layer));
  };
}

/** A layer without key/value heads is recurrent. */
export const withoutKvHeads: LayerChoice = (keys) => {
  const kvHeads = keys.perLayer("attention.head_count_kv");
  return (layer) => kvHeads?.(layer) === 0;
};

/**
 * `attention.recurrent_layers` marks them; without it all but every n-th layer are, n being
 * `full_attention_interval`. Layers that predict further tokens attend.
 */
export function byInterval(interval: number): LayerChoice {
  return (keys) => {
    const marked = keys.perLayer("attention.recurrent_layers");
    const main = (keys.integer("block_count") ?? 0) - (keys.integer("nextn_predict_layers") ?? 0);
    const every = keys.integer("full_attention_interval") ?? interval;
    return (layer) => {
      if (marked !== undefined) return (marked(layer) ?? 0) !== 0;
      return layer < main && (every === 0 || (layer + 1) % every !== 0);
    };
  };
}
