import { HIDDEN, ofLayers, TOKENS, tensor, type Variant } from "./variant.ts";

const DECI: readonly Variant[] = [
  {
    architecture: "deci",
    title: "layers without attention and without feed-forward",
    keys: { "attention.head_count_kv": [2, 0, 2, 2, 0, 0], feed_forward_length: [384, 0, 384, 0, 384, 384] },
    without: /blk\.(?:[145]\.attn_[qkv]|[13]\.ffn_)/,
  },
  {
    architecture: "deci",
    title: "first layers without attention",
    keys: { "attention.head_count_kv": [0, 0, 2, 2, 0, 2] },
    without: /blk\.[014]\.attn_[qkv]/,
  },
  {
    architecture: "deci",
    title: "last layer without feed-forward",
    keys: { feed_forward_length: [384, 384, 384, 384, 384, 0] },
    without: /blk\.5\.ffn_/,
  },
  {
    architecture: "deci",
    title: "last layer with feed-forward alone",
    keys: { "attention.head_count": [4, 4, 4, 4, 4, 0], "attention.head_count_kv": [2, 2, 2, 2, 2, 0] },
    without: /blk\.5\.attn_/,
  },
];

/** Which norms, biases and positions there are. */
const PARTS: readonly Variant[] = [
  { architecture: "falcon", title: "one norm", without: /attn_norm_2/ },
  { architecture: "stablelm", title: "attention beside feed-forward", without: /ffn_norm|_[qk]_norm|attn_[qkv]\.bias/ },
  { architecture: "stablelm", title: "some layers with attention beside feed-forward", without: /blk\.[25]\.ffn_norm/ },
  { architecture: "gptneox", title: "attention beside feed-forward", keys: { use_parallel_residual: true } },
  { architecture: "gptneox", title: "attention before feed-forward", keys: { use_parallel_residual: false } },
  { architecture: "minicpm", title: "without biases and rotary factors", without: /bias|rope_freqs/ },
  {
    architecture: "nemotron",
    title: "without biases of matrices",
    without: /(?:attn_(?:output|[qkv])|ffn_(?:up|down))\.bias/,
  },
  { architecture: "phi2", title: "without biases of heads", without: /attn_[qkv]\.bias/ },
  { architecture: "codeshell", title: "embedding of the output matrix", without: /token_embd/ },
  { architecture: "chameleon", title: "norms after", keys: { swin_norm: true } },
  { architecture: "chameleon", title: "norms of heads without biases", without: /attn_[qk]_norm\.bias/ },
  { architecture: "baichuan", title: "32 layers", layers: 32 },
  {
    architecture: "mpt",
    title: "clamped, linear biases, nothing beside matrices",
    keys: { "attention.clamp_kqv": 8, "attention.max_alibi_bias": 8 },
    without: /position_embd|act\.scales|bias/,
  },
  { architecture: "olmo", title: "clamped", keys: { "attention.clamp_kqv": 8 } },
  { architecture: "dbrx", title: "clamped", keys: { "attention.clamp_kqv": 8 } },
  {
    architecture: "t5",
    title: "relative positions of the first layer",
    without: /blk\.[1-9]\.attn_rel_b/,
  },
  { architecture: "t5encoder", title: "relative positions of the first layer", without: /blk\.[1-9]\.attn_rel_b/ },
];

const GEMMA: readonly Variant[] = [
  { architecture: "gemma4", title: "values are keys", without: /attn_v/ },
  { architecture: "gemma4", title: "values are keys in full layers", without: /blk\.[35]\.attn_v/ },
  { architecture: "gemma4", title: "without scales of layers", without: /layer_output_scale/ },
  {
    architecture: "gemma4",
    title: "joint matrices",
    joined: { into: "attn_qkv", parts: ["attn_q", "attn_k", "attn_v"] },
  },
  {
    architecture: "gemma4",
    title: "without embeddings of layers",
    keys: { embedding_length_per_layer_input: 0 },
    without: /per_layer|inp_gate|\.proj\.|\.post_norm/,
  },
  { architecture: "gemma4", title: "logits without cap", keys: { final_logit_softcapping: 0 } },
  { architecture: "gemma3", title: "capped logits", keys: { final_logit_softcapping: 30 } },
  {
    architecture: "gemma4",
    title: "mixture",
    keys: { expert_count: 4, expert_used_count: 2, expert_feed_forward_length: 96 },
    tensors: ofLayers((prefix) => [
      tensor(`${prefix}ffn_gate_inp.weight`, [HIDDEN, 4]),
      tensor(`${prefix}ffn_gate_inp.scale`, [HIDDEN]),
      tensor(`${prefix}ffn_gate_up_exps.weight`, [HIDDEN, 192, 4], "F16"),
      tensor(`${prefix}ffn_down_exps.weight`, [96, HIDDEN, 4], "F16"),
      ...["pre_ffw_norm_2", "post_ffw_norm_1", "post_ffw_norm_2"].map((name) =>
        tensor(`${prefix}${name}.weight`, [HIDDEN]),
      ),
    ]),
  },
  {
    architecture: "gemma3n",
    title: "layers that share caches, joint matrices",
    layers: 24,
    joined: { into: "attn_qkv", parts: ["attn_q", "attn_k", "attn_v"] },
    tensors: [
      tensor("per_layer_token_embd.weight", [24 * HIDDEN, TOKENS], "F16"),
      tensor("per_layer_model_proj.weight", [HIDDEN, 24 * HIDDEN]),
    ],
  },
  {
    architecture: "gemma3n",
    title: "joint matrices",
    joined: { into: "attn_qkv", parts: ["attn_q", "attn_k", "attn_v"] },
    without: /attn_[qkv]\.bias/,
  },
  {
    architecture: "gemma3n",
    title: "joint matrices with biases",
    joined: { into: "attn_qkv", parts: ["attn_q", "attn_k", "attn_v"] },
  },
];

/** Decoders: which layers have what, and in what order. */
export const DECODERS: readonly Variant[] = [...DECI, ...PARTS, ...GEMMA];
