import type { NameRule } from "./tensor-names.ts";

/** Tensors outside the blocks, first match wins. */
export const GGUF_TOP_RULES: readonly NameRule[] = [
  [/^(?:v|mm|vision)\./, "vision"],
  [/^a\.|^audio\./, "other"],
  [/^nextn\./, "mtp"],
  [/_norm(?:\.|$)|^norm\./, "norm"],
  [/^(?:token_embd|position_embd|token_types|per_layer_token_embd)(?:\.|$)/, "embedding"],
  [/^(?:output|cls|dense_[23])(?:\.|$)/, "output"],
];

/** Tensors of a block, by what follows `blk.N.`, first match wins. Always-on experts are feed-forward. */
export const GGUF_BLOCK_RULES: readonly NameRule[] = [
  [/^nextn\./, "mtp"],
  [/norm(?:_\w+)?(?:\.|$)/, "norm"],
  [/^ffn_(?:gate|up|down|gate_up|norm)_(?:exps|chexps)(?:\.|$)/, "experts"],
  [/^ffn_(?:gate|up|down)\.#\./, "experts"],
  [/^(?:ssm_|shortconv\.|time_mix_|channel_mix_)/, "recurrent"],
  [/^(?:attn_|cross_attn_|indexer)/, "attention"],
  [/^ffn_|^exp_probs_b/, "feedForward"],
];
