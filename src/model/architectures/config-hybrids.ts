import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { configFeedForward as feedForward, leadingDense } from "./config-feed-forward.ts";
import { everyNth, fullWhere, type LayerTypes } from "./config-layer-types.ts";
import { configLayers } from "./config-layers.ts";
import { configDeltaNet, configKimiDelta, configLightning, configShortConvolution } from "./config-recurrent.ts";
import { configLatent } from "./latent-rules.ts";

const LINEAR = "linear_attention";

/** Kimi counts layers from 1. */
const kimiTypes: LayerTypes = (keys: Keys) => {
  const full = keys.list("linear_attn_config.full_attn_layers");
  if (full === undefined) return (layer) => (layer > 0 && layer % 4 === 0 ? "full_attention" : LINEAR);
  return (layer) => (full.includes(layer + 1) ? "full_attention" : LINEAR);
};

/** MiniMax-Text-01 and M1 mark the layers that attend with 1. */
const markedTypes: LayerTypes = (keys) => {
  const marks = keys.list("attn_type_list");
  return (layer) => (marks?.[layer] === undefined ? undefined : marks[layer] === 1 ? "full_attention" : LINEAR);
};

const lfm3Types: LayerTypes = () => (layer) => {
  if (layer % 4 === 2) return "full_attention";
  return layer % 4 === 0 && layer > 0 ? "sliding_attention" : "conv";
};

/** Decoders whose layers attend or recur, by model_type. */
export const configHybrids: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: ["qwen3_next", "qwen3_5", "qwen3_5_text", "qwen3_5_moe", "qwen3_5_moe_text", "olmo_hybrid"],
      mixer: configLayers({ implied: everyNth(4, ["full_attention_interval"], LINEAR), linear: configDeltaNet }),
      feedForward,
    },
    {
      modelTypes: ["kimi_linear"],
      mixer: configLayers({ implied: kimiTypes, attention: () => configLatent, linear: configKimiDelta }),
      feedForward: leadingDense(1),
    },
    {
      modelTypes: ["bailing_hybrid"],
      mixer: configLayers({
        implied: everyNth(6, ["layer_group_size"], LINEAR),
        attention: () => configLatent,
        linear: configKimiDelta,
      }),
      feedForward,
    },
    {
      modelTypes: ["minimax"],
      mixer: configLayers({ implied: fullWhere((layer) => layer % 2 === 0, LINEAR), linear: configLightning }),
      feedForward,
    },
    {
      modelTypes: ["minimax_m1", "minimax_text_01"],
      mixer: configLayers({ implied: markedTypes, linear: configLightning }),
      feedForward,
    },
    {
      modelTypes: ["lfm2_moe"],
      mixer: configLayers({ implied: fullWhere(() => true), convolution: configShortConvolution }),
      feedForward,
    },
    {
      modelTypes: ["lfm3"],
      mixer: configLayers({ implied: lfm3Types, convolution: configShortConvolution }),
      feedForward,
    },
  ],
};
