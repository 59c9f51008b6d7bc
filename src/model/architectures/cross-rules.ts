import type { Keys } from "../keys.ts";
import type { CrossRule, MixerRule } from "./architecture.ts";
import { configAttention } from "./attention-rules.ts";
import { whereAttention } from "./changed-attention.ts";
import { noWindow } from "./windows.ts";

/**
 * Heads as those over the decoder's own tokens, unless there are keys for them. `fixedTokens`: the key of the one length
 * that the encoder's output has.
 */
export function crossAlike(...fixedTokens: readonly string[]): CrossRule {
  return (keys) => {
    const encoderTokens = (fixedTokens.length > 0 && keys.tokens(...fixedTokens)) || null;
    const heads = keys.integer("cross_num_attention_heads");
    const kvHeads = keys.integer("cross_num_key_value_heads");
    const dim = keys.integer("cross_head_dim");
    return (own) => ({
      kind: "cross",
      heads: heads ?? own.heads,
      kvHeads: kvHeads ?? own.kvHeads,
      keyDim: dim ?? own.keyDim,
      valueDim: dim ?? own.valueDim,
      encoderTokens,
    });
  };
}

/** Attention over an encoder's output as long as its input. */
export const cross: CrossRule = crossAlike();

/**
 * Mllama: some layers attend to an image alone. One image takes as many tiles as it may have, each of its patches and a
 * class token, whatever is shown (modeling_mllama.py, MllamaVisionModel, num_patches).
 */
export const imageLayers: MixerRule = whereAttention(configAttention(noWindow), (keys) => {
  const listed = new Set(keys.list("cross_attention_layers") ?? MLLAMA_LAYERS);
  const crossOf = cross(keys);
  const encoderTokens = imageTokens(keys);
  return (own, layer) => (listed.has(layer) ? { ...crossOf(own), encoderTokens } : own);
});

/** configuration_mllama.py, MllamaTextConfig. */
const MLLAMA_LAYERS: readonly number[] = [3, 8, 13, 18, 23, 28, 33, 38];

/** Null where the language model stands alone. */
function imageTokens(keys: Keys): number | null {
  const size = keys.integer("vision_config.image_size");
  const patch = keys.integer("vision_config.patch_size");
  const tiles = keys.integer("vision_config.max_num_tiles");
  return size && patch && tiles ? tiles * (Math.floor(size / patch) ** 2 + 1) : null;
}
