import type { Architecture, MixerRule } from "./architecture.ts";
import { configAttention, missing } from "./attention-rules.ts";
import { resized } from "./changed-attention.ts";
import { configFeedForward, halvedFeedForward, leadingDense } from "./config-feed-forward.ts";
import { changedAttention } from "./config-heads.ts";
import { configLayers } from "./config-layers.ts";
import { upperLayersSlide } from "./qwen2.ts";
import { configWindow, noWindow } from "./windows.ts";

/** ChatGLM: `multi_query_group_num` key-value heads where `multi_query_attention` says so, of `kv_channels`. */
const chatglmMixer: MixerRule = changedAttention((keys) => {
  const groups = keys.flag("multi_query_attention") === true ? keys.integer("multi_query_group_num") : undefined;
  const dim = keys.integer("kv_channels");
  return (mixer) => resized(mixer, { kvHeads: groups, keyDim: dim, valueDim: dim });
})(noWindow);

/** Nemotron-NAS: `block_configs` says of each layer how many heads share a key-value head, or that it has none. */
const blockMixer: MixerRule = (keys) => {
  const heads = keys.integer("num_attention_heads") ?? 0;
  const dim = keys.integer("head_dim") ?? Math.trunc((keys.integer("hidden_size") ?? 0) / heads);
  return (layer) => {
    const own = `block_configs.${layer}.attention`;
    if (keys.flag(`${own}.no_op`) === true) return { kind: "none" };
    const share = keys.integer(`${own}.n_heads_in_group`);
    if (!share || heads % share !== 0 || !dim) return `${own} does not say how many heads share a key`;
    if (keys.flag(`${own}.replace_with_linear`) === true) return { kind: "none" };
    const window = { kind: "none" } as const;
    return { kind: "attention", heads, kvHeads: heads / share, keyDim: dim, valueDim: dim, window, causal: true };
  };
};

/** Hunyuan with cross-layer attention would share caches; the files seen have it switched off. */
const hunyuanMixer: MixerRule = (keys) => {
  if (keys.flag("use_cla") === true) return () => "use_cla: layers share caches in a way that is not known";
  const dim = keys.integer("attention_head_dim");
  return changedAttention(() => (mixer) => resized(mixer, { keyDim: dim, valueDim: dim }))(noWindow)(keys);
};

/**
 * Yuan 2 attends to queries and keys made of the last three tokens (localized filtering): beside keys and values, as wide
 * as the heads together, its cache holds the last two hidden vectors (yuan_hf_model.py, YuanAttention.forward).
 */
const filteredAttention: MixerRule = (keys) => {
  const heads = keys.integer("num_attention_heads");
  const hidden = keys.integer("hidden_size");
  const width = keys.integer("attention_projection_size") ?? hidden;
  if (!heads || !hidden || !width) return () => missing(["num_attention_heads or hidden_size"]);
  const dim = Math.trunc(width / heads);
  const window = { kind: "none" } as const;
  return () => ({
    kind: "parallel",
    attention: { kind: "attention", heads, kvHeads: heads, keyDim: dim, valueDim: dim, window, causal: true },
    recurrent: { kind: "recurrent", family: "short-convolution", state: [{ name: "shift", shape: [2, hidden] }] },
  });
};

/** Decoders whose code comes with their weights (`trust_remote_code`), by model_type. */
export const remoteDecoders: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: [
        "internlm",
        "internlm2",
        "orion",
        "minicpm",
        "phi3_v",
        "deepseek",
        "PanguEmbedded",
        "baichuan",
        "gpt_neox_reward_model",
        "phi4mm",
      ],
      mixer: configLayers({}),
      feedForward: configFeedForward,
    },
    // The first three layers are dense unless the configuration names those with experts (configuration_step3p7.py).
    { modelTypes: ["step3p7", "step3p5"], mixer: configLayers({}), feedForward: leadingDense(3) },
    {
      modelTypes: ["mimo", "logics"],
      mixer: configAttention(configWindow(upperLayersSlide)),
      feedForward: configFeedForward,
    },
    { modelTypes: ["qwen", "molmo"], mixer: configAttention(noWindow), feedForward: halvedFeedForward },
    { modelTypes: ["chatglm"], mixer: chatglmMixer, feedForward: configFeedForward },
    {
      modelTypes: ["phi-msft"],
      aliases: {
        hidden_size: "n_embd",
        num_hidden_layers: "n_layer",
        num_attention_heads: "n_head",
        num_key_value_heads: "n_head_kv",
        intermediate_size: "n_inner",
        max_position_embeddings: "n_positions",
      },
      mixer: configAttention(noWindow),
      feedForward: configFeedForward,
    },
    { modelTypes: ["yuan"], mixer: filteredAttention, feedForward: configFeedForward },
    { modelTypes: ["hunyuan"], mixer: hunyuanMixer, feedForward: configFeedForward },
    { modelTypes: ["nemotron-nas"], mixer: blockMixer, feedForward: configFeedForward },
  ],
};
