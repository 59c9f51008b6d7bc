import type { Architecture } from "./architecture.ts";
import { configFeedForward as feedForward } from "./config-feed-forward.ts";
import { type AttentionChange, changedAttention } from "./config-heads.ts";
import type { LayerTypes } from "./config-layer-types.ts";
import { configLayers } from "./config-layers.ts";
import { configMamba1, configMamba2 } from "./config-recurrent.ts";

const LINEAR = "linear_attention";

/** Layers of `attn_layer_indices` attend. */
const listed: LayerTypes = (keys) => {
  const indices = new Set(keys.list("attn_layer_indices") ?? []);
  return (layer) => (indices.has(layer) ? "full_attention" : LINEAR);
};

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

/** Four layers, one of each (configuration_nemotron_h.py). */
const DEFAULT_PATTERN = "ME*-";

const nemotronTypes: LayerTypes = (keys) => {
  const pattern = keys.text("hybrid_override_pattern");
  return (layer) => PATTERN_TYPES.get((pattern ?? DEFAULT_PATTERN)[layer] ?? "");
};

/** The third layer has attention beside its mamba, and from the fourth on one of each period (configuration_zamba.py). */
const zambaTypes: LayerTypes = (keys) => {
  const period = keys.integer("attn_layer_period") ?? 0;
  const offset = keys.integer("attn_layer_offset") ?? 0;
  const attends = (layer: number) => layer === 2 || (layer > 2 && period > 0 && (layer - 3) % period === offset);
  return (layer) => (attends(layer) ? "hybrid" : LINEAR);
};

/** Zamba attends to two vectors at once, so its heads are twice as wide where no size is given. */
const doubledHeads: AttentionChange = (keys) => {
  const given = keys.integer("head_dim");
  const hidden = keys.integer("hidden_size") ?? 0;
  return (mixer) => {
    const dim = given ?? Math.trunc((2 * hidden) / mixer.heads);
    return { ...mixer, keyDim: dim, valueDim: dim };
  };
};

/** The layers with attention beside their mamba that the class has in its list of 54, which no key stretches (configuration_zamba2.py). */
const ZAMBA2_LAYERS = 54;
const ZAMBA2_HYBRID: ReadonlySet<number> = new Set([6, 12, 18, 24, 30, 36, 42, 47, 51]);

const zamba2Types: LayerTypes = () => (layer) => {
  if (layer >= ZAMBA2_LAYERS) return undefined;
  return ZAMBA2_HYBRID.has(layer) ? "hybrid" : LINEAR;
};

/** Decoders of mamba with attention between or beside, by model_type. */
export const configMambaHybrids: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: ["bamba"],
      mixer: configLayers({ implied: listed, linear: configMamba2 }),
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
      modelTypes: ["jamba"],
      mixer: configLayers({ implied: periodAndOffset, linear: configMamba1 }),
      feedForward,
    },
    {
      modelTypes: ["nemotron_h"],
      mixer: configLayers({ implied: nemotronTypes, linear: configMamba2 }),
      feedForward,
    },
    {
      modelTypes: ["zamba"],
      mixer: configLayers({
        implied: zambaTypes,
        attention: changedAttention(doubledHeads),
        linear: configMamba1,
      }),
      feedForward,
    },
    {
      modelTypes: ["zamba2"],
      mixer: configLayers({
        implied: zamba2Types,
        attention: changedAttention(doubledHeads),
        linear: configMamba2,
      }),
      feedForward,
    },
  ],
};
