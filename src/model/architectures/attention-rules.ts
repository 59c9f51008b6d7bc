import type { Keys } from "../keys.ts";
import type { Mixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import type { WindowRule } from "./windows.ts";

type Width = readonly string[];

/** Names of the widths of an attention, in one format. */
type AttentionNames = {
  readonly hidden: Width;
  readonly heads: Width;
  readonly kvHeads: Width;
  readonly keyDim: Width;
  readonly valueDim: Width;
  /** Widths of their own for layers with a window. */
  readonly windowKeyDim: Width;
  readonly windowValueDim: Width;
};

const GGUF_NAMES: AttentionNames = {
  hidden: ["embedding_length"],
  heads: ["attention.head_count"],
  kvHeads: ["attention.head_count_kv"],
  keyDim: ["attention.key_length"],
  valueDim: ["attention.value_length"],
  windowKeyDim: ["attention.key_length_swa"],
  windowValueDim: ["attention.value_length_swa"],
};

const CONFIG_NAMES: AttentionNames = {
  hidden: ["hidden_size", "dim", "n_embed"],
  heads: ["num_attention_heads", "n_heads"],
  kvHeads: ["num_key_value_heads", "attn_config.kv_n_heads"],
  keyDim: ["head_dim"],
  valueDim: ["head_dim"],
  windowKeyDim: [],
  windowValueDim: [],
};

/** Attention of a GGUF file: absent key/value heads equal the heads, an absent head size is hidden / heads. */
export function ggufAttention(window: WindowRule, options: { readonly causal?: boolean } = {}): MixerRule {
  return (keys) => {
    const causal = options.causal ?? true;
    return attentionOf(GGUF_NAMES, keys, window, () => causal);
  };
}

/** Attention of a config.json, by the same defaults. Encoders are causal when `is_decoder` says so. */
export function configAttention(window: WindowRule, options: { readonly causal?: boolean } = {}): MixerRule {
  return (keys) => {
    const causal = options.causal ?? true;
    return attentionOf(CONFIG_NAMES, keys, window, () => causal || keys.flag("is_decoder") === true);
  };
}

function attentionOf(
  names: AttentionNames,
  keys: Keys,
  windowRule: WindowRule,
  isCausal: () => boolean,
): (layer: number) => Mixer | string {
  const heads = keys.perLayer(...names.heads);
  const kvHeads = keys.perLayer(...names.kvHeads);
  const hidden = keys.integer(...names.hidden);
  const keyDim = keys.integer(...names.keyDim);
  const valueDim = keys.integer(...names.valueDim);
  const windowKeyDim = keys.integer(...names.windowKeyDim);
  const windowValueDim = keys.integer(...names.windowValueDim);
  // The default head size follows the first layer, as llama.cpp takes it (n_embd / n_head(0)).
  const firstHeads = heads?.(0);
  const sharedDim = hidden && firstHeads ? Math.floor(hidden / firstHeads) : undefined;
  const windowOf = windowRule(keys);
  const causal = isCausal();
  return (layer) => {
    const layerHeads = heads?.(layer);
    if (layerHeads === undefined) return missing(names.heads);
    const layerKvHeads = kvHeads === undefined ? layerHeads : kvHeads(layer);
    if (layerKvHeads === undefined) return missing(names.kvHeads);
    if (layerHeads === 0 || layerKvHeads === 0) return { kind: "none" };
    const window = windowOf(layer);
    if (typeof window === "string") return window;
    const slides = window.kind !== "none";
    const key = (slides && windowKeyDim) || keyDim || sharedDim;
    const value = (slides && windowValueDim) || valueDim || sharedDim;
    if (!key) return missing(names.keyDim);
    if (!value) return missing(names.valueDim);
    return {
      kind: "attention",
      heads: layerHeads,
      kvHeads: layerKvHeads,
      keyDim: key,
      valueDim: value,
      window,
      causal,
    };
  };
}

/** Why a mixer is not known: the key that would say is missing. */
export function missing(names: readonly string[]): string {
  return `${names[0]} is not there`;
}
