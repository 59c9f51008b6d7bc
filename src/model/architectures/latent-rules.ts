import type { LatentMixer, Mixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import { ggufAttention, missing } from "./attention-rules.ts";
import { noWindow } from "./windows.ts";

/**
 * Multi-head latent attention of a GGUF file. Files with the `*_mla` keys hold the up-projection split per head;
 * older ones do not, and llama.cpp then caches the expanded heads like any attention.
 * https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/models/deepseek2.cpp
 */
export const ggufLatent: MixerRule = (keys) => {
  const keyDim = keys.integer("attention.key_length_mla");
  const valueDim = keys.integer("attention.value_length_mla");
  if (!keyDim || !valueDim) return ggufAttention(noWindow)(keys);
  const heads = keys.perLayer("attention.head_count");
  const kvLoraRank = keys.integer("attention.kv_lora_rank");
  const ropeDim = keys.integer("rope.dimension_count");
  return (layer) =>
    latent(
      heads?.(layer),
      kvLoraRank,
      ropeDim,
      ropeDim === undefined ? undefined : keyDim - ropeDim,
      valueDim,
      "absorbed",
    );
};

/** Multi-head latent attention of a config.json: one `kv_b_proj` for all heads. */
export const configLatent: MixerRule = (keys) => {
  const heads = keys.integer("num_attention_heads");
  const kvLoraRank = keys.integer("kv_lora_rank");
  const ropeDim = keys.integer("qk_rope_head_dim");
  const nopeDim = keys.integer("qk_nope_head_dim");
  const valueDim = keys.integer("v_head_dim");
  const mixer = latent(heads, kvLoraRank, ropeDim, nopeDim, valueDim, "joint");
  return () => mixer;
};

function latent(
  heads: number | undefined,
  kvLoraRank: number | undefined,
  ropeDim: number | undefined,
  nopeDim: number | undefined,
  valueDim: number | undefined,
  upProjection: LatentMixer["upProjection"],
): Mixer | string {
  if (!heads) return missing(["the number of heads"]);
  if (!kvLoraRank) return missing(["the rank of the latent (kv_lora_rank)"]);
  if (ropeDim === undefined || nopeDim === undefined || nopeDim < 0 || !valueDim) {
    return missing(["a head size of the latent attention"]);
  }
  return { kind: "latent", heads, kvLoraRank, ropeDim, nopeDim, valueDim, window: { kind: "none" }, upProjection };
}
