import type { Keys } from "../keys.ts";
import type { AttentionMixer, RecurrentMixer, StateTensor } from "../mixer.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { missing } from "./attention-rules.ts";
import { resized } from "./changed-attention.ts";
import { configFeedForward as feedForward } from "./config-feed-forward.ts";
import { type AttentionChange, changedAttention } from "./config-heads.ts";
import { everyNth, type LayerTypes } from "./config-layer-types.ts";
import { configLayers } from "./config-layers.ts";
import { configDeltaNet } from "./config-recurrent.ts";
import { indexerBy } from "./indexer-rules.ts";

type Beside = (keys: Keys) => (attention: AttentionMixer) => RecurrentMixer | string;

/**
 * Zaya convolves queries and keys twice, and half of each value comes from the token before (modeling_zaya.py,
 * ZayaCCAProjection.forward).
 */
const convolvedQueriesAndKeys: Beside = (keys) => {
  const [first, second] = [keys.integer("cca_time0"), keys.integer("cca_time1")];
  return ({ heads, kvHeads, keyDim, valueDim }) => {
    if (!first || !second) return missing(["cca_time0 or cca_time1"]);
    return {
      kind: "recurrent",
      family: "short-convolution",
      state: [
        { name: "convolution", shape: [(heads + kvHeads) * keyDim, first - 1 + second - 1] },
        { name: "shift", shape: [1, Math.trunc((kvHeads * valueDim) / 2)] },
      ],
    };
  };
};

/** Inkling convolves keys, values and the output of both halves of a layer (modeling_inkling.py, InklingShortConvolution). */
const convolvedParts: Beside = (keys) => {
  const hidden = keys.integer("hidden_size");
  const kernel = keys.integer("conv_kernel_size");
  return ({ kvHeads, keyDim, valueDim }) => {
    if (!hidden || !kernel) return missing(["hidden_size or conv_kernel_size"]);
    const channels = kvHeads * (keyDim + valueDim) + 2 * hidden;
    return {
      kind: "recurrent",
      family: "short-convolution",
      state: [{ name: "convolution", shape: [channels, kernel - 1] }],
      convolutionKernel: kernel,
    };
  };
};

/** Layers with a window have heads of their own (modeling_inkling.py, InklingAttention). */
const slidingHeads: AttentionChange = (keys) => {
  const heads = keys.integer("swa_num_attention_heads");
  const kvHeads = keys.integer("swa_num_key_value_heads");
  const dim = keys.integer("swa_head_dim");
  const sizes = { heads, kvHeads, keyDim: dim, valueDim: dim };
  return (mixer) => (mixer.window.kind === "none" ? mixer : resized(mixer, sizes));
};

/** Layers of `local_layer_ids` slide, else all but every sixth (configuration_inkling.py). */
const inklingTypes: LayerTypes = (keys) => {
  const local = keys.list("local_layer_ids");
  const slides = (layer: number): boolean => (local ? local.includes(layer) : (layer + 1) % 6 !== 0);
  return (layer) => (slides(layer) ? "hybrid_sliding" : "hybrid");
};

/** Layers of `ple_layer_ids`, counted from 1, hold what they convolve and the last tokens (modeling_qwen4_exp.py, Qwen4ExpTextPLELayer). */
function perLayerEmbedding(keys: Keys): (layer: number) => readonly StateTensor[] {
  const layers = new Set(keys.list("ple_layer_ids") ?? []);
  const streams = (keys.integer("hidden_size") ?? 0) * (keys.integer("hc_count") ?? 0);
  const kernel = keys.integer("ple_conv_kernel_size") ?? 1;
  const size = keys.integer("ngram_size") ?? 1;
  const states: readonly StateTensor[] = [
    { name: "ngram", shape: [streams, (kernel - 1) * size] },
    { name: "tokens", shape: [size - 1] },
  ];
  return (layer) => (layers.has(layer + 1) ? states : []);
}

/** Delta nets, some with embeddings of n-grams, and attention to what an indexer picks (configuration_qwen4_exp.py). */
const indexedBetweenDeltaNets: MixerRule = (keys) => {
  const implied = everyNth(4, ["full_attention_interval"], "linear_attention");
  const mixerOf = configLayers({ implied, linear: configDeltaNet })(keys);
  const statesOf = perLayerEmbedding(keys);
  const indexer = indexerBy(keys, ["indexer_n_heads"], ["indexer_head_dim"]);
  return (layer) => {
    const mixer = mixerOf(layer);
    if (typeof mixer === "string") return mixer;
    if (mixer.kind === "recurrent") return { ...mixer, state: [...mixer.state, ...statesOf(layer)] };
    if (mixer.kind !== "attention") return mixer;
    return indexer ? { ...mixer, indexer } : missing(["indexer_n_heads or indexer_head_dim"]);
  };
};

/** Decoders with convolutions beside or within their attention, by model_type. */
export const convolvedDecoders: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: ["zaya"],
      mixer: configLayers({ implied: () => () => "hybrid", beside: convolvedQueriesAndKeys }),
      feedForward,
    },
    {
      modelTypes: ["inkling_text", "inkling2_text"],
      mixer: configLayers({ implied: inklingTypes, attention: changedAttention(slidingHeads), beside: convolvedParts }),
      feedForward,
    },
    { modelTypes: ["qwen4_exp_text"], mixer: indexedBetweenDeltaNets, feedForward },
  ],
};
