import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { configFeedForward as feedForward, leadingDense } from "./config-feed-forward.ts";
import { configLayers, everyNth, fullWhere, type LayerTypes } from "./config-layers.ts";

import {
  configDeltaNet,
  configKimiDelta,
  configLightning,
  configMamba1,
  configMamba2,
  configShortConvolution,
} from "./config-recurrent.ts";
import { noFeedForward } from "./feed-forward-rules.ts";
import { configLatent } from "./latent-rules.ts";
import { configMamba } from "./recurrent-rules.ts";

const LINEAR = "linear_attention";

/** Layers of a list of indices attend; without a list none do, or all. */
function listed(key: string): LayerTypes {
  return (keys) => {
    const indices = new Set(keys.list(key) ?? []);
    return (layer) => (indices.has(layer) ? "full_attention" : LINEAR);
  };
}

/** One layer of each period attends: `attn_layer_period` and `attn_layer_offset`. */
const periodAndOffset: LayerTypes = (keys) => {
  const period = keys.integer("attn_layer_period") ?? 0;
  const offset = keys.integer("attn_layer_offset") ?? 0;
  return (layer) => (period > 0 && layer % period === offset ? "full_attention" : LINEAR);
};

/** `hybrid_override_pattern`: M mamba, * attention, - MLP, E experts. */
const PATTERN_TYPES: ReadonlyMap<string, string> = new Map([
  ["M", LINEAR],
  ["*", "full_attention"],
  ["-", "mlp"],
  ["E", "moe"],
]);

const nemotronTypes: LayerTypes = (keys) => {
  const pattern = keys.text("hybrid_override_pattern");
  return (layer) => (pattern === undefined ? undefined : PATTERN_TYPES.get(pattern[layer] ?? ""));
};

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
      modelTypes: ["bamba"],
      mixer: configLayers({ implied: listed("attn_layer_indices"), linear: configMamba2 }),
      feedForward,
    },
    {
      modelTypes: ["granitemoehybrid"],
      mixer: configLayers({ implied: () => () => LINEAR, linear: configMamba2 }),
      feedForward,
    },
    {
      modelTypes: ["falcon_h1"],
      mixer: configLayers({ implied: () => () => "hybrid", linear: configMamba2 }),
      feedForward,
    },
    {
      modelTypes: ["zamba2"],
      mixer: configLayers({ implied: () => () => undefined, linear: configMamba2 }),
      feedForward,
    },
    {
      modelTypes: ["nemotron_h"],
      mixer: configLayers({ implied: nemotronTypes, linear: configMamba2 }),
      feedForward,
    },
    {
      modelTypes: ["jamba"],
      mixer: configLayers({ implied: periodAndOffset, linear: configMamba1 }),
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
    { modelTypes: ["falcon_mamba"], mixer: configMamba("mamba1"), feedForward: noFeedForward },
  ],
};
