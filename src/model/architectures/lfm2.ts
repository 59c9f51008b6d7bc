import type { Keys } from "../keys.ts";
import type { Architecture, FeedForwardRule, MixerRule } from "./architecture.ts";
import { configAttention, ggufAttention, missing } from "./attention-rules.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { hybrid, withoutKvHeads } from "./hybrid-rules.ts";
import { ggufShortConvolution, shortConvolution } from "./recurrent-rules.ts";
import { ggufUniform, noWindow } from "./windows.ts";

/** `layer_types` names the convolutions; before it there was `full_attn_idxs`, and without that all layers attend. */
const configMixer: MixerRule = (keys) => {
  const types = keys.words("layer_types");
  const attentionLayers = keys.list("full_attn_idxs");
  const hidden = keys.integer("hidden_size");
  const kernel = keys.integer("conv_L_cache");
  const attention = configAttention(noWindow)(keys);
  const typeOf = (layer: number): string | undefined => {
    if (types !== undefined) return types[layer];
    return attentionLayers === undefined || attentionLayers.includes(layer) ? "full_attention" : "conv";
  };
  return (layer) => {
    const type = typeOf(layer);
    if (type === "full_attention") return attention(layer);
    if (type !== "conv") return type === undefined ? missing(["layer_types for this layer"]) : "unknown layer type";
    return hidden && kernel ? shortConvolution(hidden, kernel) : missing(["hidden_size or conv_L_cache"]);
  };
};

/**
 * The width is adjusted as Lfm2MLP does, unless switched off.
 * https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/lfm2/modeling_lfm2.py
 */
const configFeedForward: FeedForwardRule = (keys) => {
  const width = adjustedWidth(keys);
  return () => (width ? { kind: "dense", intermediateSize: width } : undefined);
};

function adjustedWidth(keys: Keys): number | undefined {
  const given = keys.integer("block_ff_dim", "intermediate_size");
  if (given === undefined || keys.flag("block_auto_adjust_ff_dim") === false) return given;
  const multiplier = keys.decimal("block_ffn_dim_multiplier");
  const reduced = Math.trunc((2 * given) / 3);
  if (multiplier === undefined) return reduced;
  const multiple = keys.integer("block_multiple_of") || 1;
  return multiple * Math.ceil(Math.trunc(multiplier * reduced) / multiple);
}

/** LFM2: gated short convolutions with an attention layer now and then. */
export const lfm2: Architecture = {
  gguf: [
    {
      names: ["lfm2"],
      mixer: hybrid(withoutKvHeads, ggufShortConvolution, ggufAttention(ggufUniform)),
      feedForward: ggufFeedForward(),
    },
    {
      names: ["lfm2moe"],
      mixer: hybrid(withoutKvHeads, ggufShortConvolution, ggufAttention(noWindow)),
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
  ],
  config: [
    {
      modelTypes: ["lfm2"],
      mixer: configMixer,
      feedForward: configFeedForward,
    },
  ],
};
