import type { Keys } from "../keys.ts";
import type { AttentionMixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import { configAttention, missing } from "./attention-rules.ts";
import { resized, whereAttention } from "./changed-attention.ts";
import type { WindowRule } from "./windows.ts";

/** What a family changes of an attention that the usual keys give. */
export type AttentionChange = (keys: Keys) => (mixer: AttentionMixer, layer: number) => AttentionMixer;

/** Attention by the usual keys, then changed. */
export function changedAttention(change: AttentionChange): (window: WindowRule) => MixerRule {
  return (window) => whereAttention(configAttention(window), change);
}

/** One key-value head for all, when the configuration says so. */
export const multiQuery: AttentionChange = (keys) => {
  const one = keys.flag("multi_query") === true;
  return (mixer) => (one ? { ...mixer, kvHeads: 1 } : mixer);
};

/** CPM-Ant puts a prompt of its own before the tokens and caches it (modeling_cpmant.py, CpmAntModel.forward). */
export const prompted: AttentionChange = (keys) => {
  const prefixTokens = keys.integer("prompt_length") ?? 0;
  return (mixer) => ({ ...mixer, prefixTokens });
};

/** Each expert that a token uses has as many heads as there are keys (JetMoeConfig, __post_init__). */
export const expertHeads: MixerRule = (keys) => {
  const kvHeads = keys.integer("num_key_value_heads");
  const used = keys.integer("num_experts_per_tok");
  const dim = keys.integer("head_dim");
  return () => {
    if (!kvHeads || !used || !dim) return missing(["num_key_value_heads, num_experts_per_tok or kv_channels"]);
    const window = { kind: "none" } as const;
    return { kind: "attention", heads: kvHeads * used, kvHeads, keyDim: dim, valueDim: dim, window, causal: true };
  };
};

/**
 * Falcon: `num_kv_heads` counts in the new decoder architecture, and where it is not multi-query
 * (modeling_falcon.py, FalconAttention).
 */
export const falconHeads: AttentionChange = (keys) => {
  const isNew = keys.flag("new_decoder_architecture") === true;
  const one = !isNew && keys.flag("multi_query") === true;
  const given = keys.integer("num_kv_heads", "n_head_kv");
  return (mixer) => ({ ...mixer, kvHeads: one ? 1 : (given ?? mixer.heads) });
};

/** Layers without a window have heads and sizes of their own, of 512 where none is given (Gemma4TextConfig). */
export const globalHeads: AttentionChange = (keys) => {
  const dim = keys.integer("global_head_dim") ?? 512;
  const kvHeads = keys.flag("attention_k_eq_v") === true ? keys.integer("num_global_key_value_heads") : undefined;
  return (mixer) => (mixer.window.kind === "none" ? resized(mixer, { kvHeads, keyDim: dim, valueDim: dim }) : mixer);
};

/**
 * Layers with a window have heads and sizes of their own, twice the key-value heads where none are given, and values
 * are narrower than keys (modeling_mimo_v2_flash.py, MiMoV2FlashAttention).
 */
export const windowHeads: AttentionChange = (keys) => {
  const value = keys.integer("v_head_dim");
  const window = {
    heads: keys.integer("swa_num_attention_heads"),
    kvHeads: keys.integer("swa_num_key_value_heads"),
    keyDim: keys.integer("swa_head_dim"),
    valueDim: keys.integer("swa_v_head_dim"),
  };
  return (mixer) => {
    const all = resized(mixer, { valueDim: value });
    if (mixer.window.kind === "none") return all;
    return resized(all, { ...window, kvHeads: window.kvHeads ?? 2 * all.kvHeads });
  };
};

/**
 * The last `num_kv_shared_layers` reuse the cache of the last layer of their type before them (Gemma 3n and 4). The
 * window tells the types apart.
 */
export function sharedTail(inner: MixerRule): MixerRule {
  return (keys) => {
    const mixerOf = inner(keys);
    const first = (keys.integer("num_hidden_layers") ?? 0) - (keys.integer("num_kv_shared_layers") ?? 0);
    return (layer) => {
      const mixer = mixerOf(layer);
      if (layer < first || typeof mixer === "string" || mixer.kind !== "attention") return mixer;
      for (let source = first - 1; source >= 0; source--) {
        const earlier = mixerOf(source);
        if (typeof earlier !== "string" && earlier.kind === "attention" && earlier.window.kind === mixer.window.kind) {
          return { ...mixer, sharesCacheWith: source };
        }
      }
      return "no layer before the shared ones has a cache of this type";
    };
  };
}
