import { HIDDEN, ofLayers, tensor, type Variant } from "./variant.ts";

const KIMI: readonly Variant[] = [
  { architecture: "kimi-k3", title: "sums over 2 layers", keys: { "attn_res.block_size": 2 } },
  {
    architecture: "kimi-k3",
    title: "no sums over layers",
    keys: { "attn_res.block_size": 0 },
    without: /res_score/,
  },
  { architecture: "kimi-k3", title: "without bound of gates", withoutKeys: ["kda.gate_lower_bound"] },
  { architecture: "kimi-k3", title: "without gates of attention", without: /attn_gate/ },
  { architecture: "kimi-k3", title: "without shared expert", without: /_shexp/ },
  { architecture: "kimi-k3", title: "unbound products", keys: { "activation.situ_linear_beta": 0 } },
  {
    architecture: "kimi-k3",
    title: "weights of experts",
    keys: { expert_weights_norm: true, expert_weights_scale: 2.5 },
  },
  {
    architecture: "kimi-k3",
    title: "experts on whole rows",
    keys: { expert_latent_length: 0 },
    without: /ffn_routed/,
    tensors: [1, 2, 3, 4, 5].flatMap((layer) => [
      tensor(`blk.${layer}.ffn_gate_exps.weight`, [HIDDEN, 96, 4], "F16"),
      tensor(`blk.${layer}.ffn_up_exps.weight`, [HIDDEN, 96, 4], "F16"),
      tensor(`blk.${layer}.ffn_down_exps.weight`, [96, HIDDEN, 4], "F16"),
    ]),
  },
  { architecture: "kimi-k3", title: "without norm of experts", without: /ffn_routed_norm/ },
  {
    architecture: "kimi-k3",
    title: "direct queries",
    withoutKeys: ["attention.q_lora_rank"],
    without: /attn_q_[ab]/,
    tensors: [1, 4].map((layer) => tensor(`blk.${layer}.attn_q.weight`, [HIDDEN, 768], "F16")),
  },
  {
    architecture: "kimi-linear",
    title: "joint matrices",
    joined: { into: "attn_qkv", parts: ["attn_q", "attn_k", "attn_v"] },
    without: /attn_[qkv]\.bias/,
  },
  {
    architecture: "kimi-linear",
    title: "weighted experts",
    keys: { expert_weights_scale: 2.4, expert_weights_norm: true },
  },
  {
    architecture: "bailingmoe3",
    title: "bound products",
    keys: { swiglu_clamp_exp: [0, 7, 0, 7, 7, 7], swiglu_clamp_shexp: [7, 0, 7, 7, 0, 7] },
  },
  {
    architecture: "bailingmoe3",
    title: "groups of experts",
    keys: { expert_weights_norm: true, expert_group_count: 2, expert_group_used_count: 1 },
  },
];

const QWEN: readonly Variant[] = [
  { architecture: "qwen3next", title: "older files", without: /attn_gate|blk\.[01245]\.attn_qkv/ },
  {
    architecture: "qwen3next",
    title: "as many key heads",
    keys: { "ssm.group_count": 4 },
    tensors: [0, 1, 2, 4, 5].flatMap((layer) => [
      tensor(`blk.${layer}.ssm_in.weight`, [HIDDEN, 2048]),
      tensor(`blk.${layer}.attn_qkv.weight`, [HIDDEN, 1536], "F16"),
      tensor(`blk.${layer}.ssm_conv1d.weight`, [4, 1536]),
    ]),
  },
  { architecture: "qwen4exp", title: "unlike ratios", keys: { "attention.compress_ratios": [4, 4, 4, 8, 4, 4] } },
  { architecture: "qwen4exp", title: "no ratios", keys: { "attention.compress_ratios": [0, 0, 0, 0, 0, 0] } },
  {
    architecture: "qwen4exp",
    title: "without embeddings of word parts",
    withoutKeys: [
      "ple.layers",
      "ple.ngram_size",
      "ple.heads_per_ngram",
      "ple.conv_kernel",
      "ple.eos_token_id",
      "ple.layer_multipliers",
      "ple.head_offsets",
      "ple.head_vocab_sizes",
    ],
    without: /ple_|per_layer/,
  },
  {
    architecture: "qwen4exp",
    title: "kernels of 16 bits",
    without: /^$/,
    tensors: [tensor("blk.0.ple_conv1d.weight", [4, 1024], "F16")],
  },
  { architecture: "qwen4exp", title: "more chosen than there are", keys: { "attention.indexer.top_k": 100_000 } },
];

const LERPS = ["w", "k", "v", "r", "g"];

const RWKV: readonly Variant[] = [
  { architecture: "rwkv6", title: "shares apart", without: /lerp_fused/ },
  { architecture: "rwkv6", title: "shares in one", without: new RegExp(`time_mix_lerp_[${LERPS.join("")}]\\.`) },
  { architecture: "rwkv6", title: "rescaled every 2 layers", keys: { rescale_every_n_layers: 2 } },
  { architecture: "rwkv6qwen2", title: "rescaled every 2 layers", keys: { rescale_every_n_layers: 2 } },
  {
    architecture: "rwkv6qwen2",
    title: "shared heads, biases",
    keys: { "attention.head_count_kv": 2 },
    tensors: ofLayers((prefix) => [
      ...["key", "value"].flatMap((part) => [
        tensor(`${prefix}time_mix_${part}.weight`, [HIDDEN, 128], "F16"),
        tensor(`${prefix}time_mix_${part}.bias`, [128]),
      ]),
      tensor(`${prefix}time_mix_receptance.bias`, [HIDDEN]),
    ]),
  },
  {
    architecture: "arwkv7",
    title: "without gates",
    without: /time_mix_g[12]/,
    tensors: ofLayers((prefix) => [tensor(`${prefix}time_mix_lerp_fused.weight`, [HIDDEN, 1, 1, 5])]),
    keys: { "attention.gate_lora_rank": 0 },
  },
  {
    architecture: "arwkv7",
    title: "norms of heads",
    tensors: ofLayers((prefix) => [
      tensor(`${prefix}time_mix_ln.weight`, [HIDDEN]),
      tensor(`${prefix}time_mix_ln.bias`, [HIDDEN]),
    ]),
  },
];

const STATE_SPACES: readonly Variant[] = [
  { architecture: "lfm2", title: "looking both ways", keys: { "attention.causal": false } },
  { architecture: "lfm2", title: "dense layer after pooling", keys: { pooling_type: 1 } },
  { architecture: "nemotron_h_moe", title: "experts on whole rows", without: /ffn_latent/ },
  { architecture: "granitehybrid", title: "with rotation", keys: { "rope.scaling.finetuned": true } },
];

/** Recurrences and what lies between them. */
export const RECURRENCES: readonly Variant[] = [...KIMI, ...QWEN, ...RWKV, ...STATE_SPACES];
