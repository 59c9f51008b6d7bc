import type { Keys } from "../keys.ts";
import type { LatentMixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import { ggufAttention, missing } from "./attention-rules.ts";
import { noWindow, type WindowRule } from "./windows.ts";

/**
 * Multi-head latent attention of a GGUF file. Files with the `*_mla` keys hold the up-projection split per head;
 * older ones do not, and llama.cpp then caches the expanded heads like any attention.
 * https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/models/deepseek2.cpp
 */
export const ggufLatent: MixerRule = ggufLatentWithin(noWindow);

/** As {@link ggufLatent}; layers with a window have ranks and head sizes of their own where the `*_swa` keys are there. */
export function ggufLatentWithin(windowRule: WindowRule): MixerRule {
  return (keys) => {
    const keyDim = keys.integer("attention.key_length_mla");
    const valueDim = keys.integer("attention.value_length_mla");
    if (!keyDim || !valueDim) return ggufAttention(windowRule)(keys);
    const heads = keys.perLayer("attention.head_count");
    const ropeDim = keys.integer("rope.dimension_count");
    const full = { keyDim, valueDim, kvLoraRank: keys.integer("attention.kv_lora_rank") };
    const sliding = {
      keyDim: keys.integer("attention.key_length_mla_swa") || keyDim,
      valueDim: keys.integer("attention.value_length_mla_swa") || valueDim,
      kvLoraRank: keys.integer("attention.kv_lora_rank_swa") || full.kvLoraRank,
    };
    const windowOf = windowRule(keys);
    return (layer) => {
      const window = windowOf(layer);
      if (typeof window === "string") return window;
      const sizes = window.kind === "none" ? full : sliding;
      const nopeDim = ropeDim === undefined ? undefined : sizes.keyDim - ropeDim;
      const mixer = latent(heads?.(layer), sizes.kvLoraRank, ropeDim, nopeDim, sizes.valueDim, "absorbed");
      return typeof mixer === "string" ? mixer : { ...mixer, window };
    };
  };
}

/** Multi-head latent attention of a config.json: one `kv_b_proj` for all heads. */
export const configLatent: MixerRule = configLatentValued(() => undefined);

/** As {@link configLatent}, where the class fills in a `v_head_dim` that is left out. */
export function configLatentValued(implied: (keys: Keys) => number | undefined): MixerRule {
  return (keys) => {
    const heads = keys.integer("num_attention_heads");
    const kvLoraRank = keys.integer("kv_lora_rank");
    const ropeDim = keys.integer("qk_rope_head_dim");
    const nopeDim = keys.integer("qk_nope_head_dim");
    const valueDim = keys.integer("v_head_dim") ?? implied(keys);
    const mixer = latent(heads, kvLoraRank, ropeDim, nopeDim, valueDim, "joint");
    return () => mixer;
  };
}

/** A latent attention of these sizes, or what is missing. */
export function latent(
  heads: number | undefined,
  kvLoraRank: number | undefined,
  ropeDim: number | undefined,
  nopeDim: number | undefined,
  valueDim: number | undefined,
  upProjection: LatentMixer["upProjection"],
): LatentMixer | string {
  if (!heads) return missing(["the number of heads"]);
  if (!kvLoraRank) return missing(["the rank of the latent (kv_lora_rank)"]);
  if (ropeDim === undefined || nopeDim === undefined || nopeDim < 0 || !valueDim) {
    return missing(["a head size of the latent attention"]);
  }
  return { kind: "latent", heads, kvLoraRank, ropeDim, nopeDim, valueDim, window: { kind: "none" }, upProjection };
}
