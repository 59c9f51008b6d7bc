import type { Architecture, FeedForwardRule, MixerRule } from "./architecture.ts";
import { missing } from "./attention-rules.ts";
import { halvedFeedForward } from "./config-feed-forward.ts";
import type { LayerTypes } from "./config-layer-types.ts";
import { configLayers } from "./config-layers.ts";

/** `block_types` over and over; layers that are not `recurrent` slide (configuration_recurrent_gemma.py, `layers_block_type`). */
const griffinTypes: LayerTypes = (keys) => {
  const blocks = keys.words("block_types") ?? ["recurrent", "recurrent", "attention"];
  return (layer) => (blocks[layer % blocks.length] === "recurrent" ? "linear_attention" : "sliding_attention");
};

/** A gated linear recurrence after a convolution (modeling_recurrent_gemma.py, RecurrentGemmaRecurrentBlock). */
const gatedRecurrence: MixerRule = (keys) => {
  const width = keys.integer("lru_width") ?? keys.integer("hidden_size");
  const kernel = keys.integer("conv1d_width");
  if (!width || !kernel) return () => missing(["lru_width or conv1d_width"]);
  return () => ({
    kind: "recurrent",
    family: "linear",
    state: [
      { name: "convolution", shape: [width, kernel - 1] },
      { name: "linear", shape: [width] },
    ],
  });
};

const XLSTM_MULTIPLE = 64;

function roundedUp(width: number, multiple: number): number {
  return Math.ceil(width / multiple) * multiple;
}

/** A matrix, a vector and a maximum per head (modeling_xlstm.py, xLSTMCache). */
const matrixMemory: MixerRule = (keys) => {
  const hidden = keys.integer("hidden_size", "embedding_dim");
  const heads = keys.integer("num_heads");
  const [keyFactor, valueFactor] = [keys.decimal("qk_dim_factor"), keys.decimal("v_dim_factor")];
  if (!hidden || !heads || !keyFactor || !valueFactor) return () => missing(["a size of the recurrence"]);
  const keyDim = Math.trunc(roundedUp(hidden * keyFactor, XLSTM_MULTIPLE) / heads);
  const valueDim = Math.trunc(roundedUp(hidden * valueFactor, XLSTM_MULTIPLE) / heads);
  return () => ({
    kind: "recurrent",
    family: "linear",
    state: [
      { name: "linear", shape: [heads, keyDim, valueDim] },
      { name: "linear", shape: [heads, keyDim] },
      { name: "linear", shape: [heads, 1] },
    ],
  });
};

const projectedFeedForward: FeedForwardRule = (keys) => {
  const hidden = keys.integer("hidden_size", "embedding_dim");
  const factor = keys.decimal("ffn_proj_factor");
  const multiple = keys.integer("ffn_round_up_to_multiple_of");
  if (!hidden || !factor || !multiple) return () => undefined;
  return () => ({ kind: "dense", intermediateSize: roundedUp(hidden * factor, multiple) });
};

/** Recurrences that transformers holds outside its caches, by model_type. */
export const configRecurrences: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: ["recurrent_gemma"],
      mixer: configLayers({ implied: griffinTypes, linear: gatedRecurrence }),
      feedForward: halvedFeedForward,
    },
    { modelTypes: ["xlstm"], mixer: matrixMemory, feedForward: projectedFeedForward },
  ],
};
