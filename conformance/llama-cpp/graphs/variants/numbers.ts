import { HIDDEN, ofEach, tensor, type Variant } from "./variant.ts";

const HALF_HEAD = 32;

/** Rotary factors for contexts up to the trained one and beyond it. */
const FACTORS = {
  without: /rope_freqs/,
  tensors: ["long", "short"].map((name) => tensor(`rope_factors_${name}.weight`, [HALF_HEAD])),
};

const ROTATED = [
  "apertus",
  "deci",
  "granite",
  "granitemoe",
  "granite_swa",
  "llama",
  "llama-embed",
  "minicpm",
  "mistral3",
];

const POSITIONS: readonly Variant[] = [
  ...ofEach(ROTATED, "factors of long contexts", {
    ...FACTORS,
    keys: { "rope.scaling.type": "longrope", "rope.scaling.original_context_length": 1024, "rope.scaling.factor": 4.5 },
  }),
  ...ofEach(["llama", "phi3"], "factors of short contexts", {
    ...FACTORS,
    keys: {
      "rope.scaling.type": "longrope",
      "rope.scaling.original_context_length": 65_536,
      "rope.scaling.factor": 4.5,
    },
  }),
  ...ofEach(["glm4", "glm4moe", "hunyuan_vl"], "four positions", {
    keys: { "rope.dimension_sections": [16, 8, 8, 0] },
  }),
  ...ofEach(["dbrx", "olmoe", "hunyuan-dense", "ernie4_5"], "sections that are not read", {
    keys: { "rope.dimension_sections": [16, 8, 8, 0] },
  }),
  ...ofEach(["granite", "granitehybrid", "graniteswitch"], "without rotation", {
    keys: { "rope.scaling.finetuned": false },
  }),
  {
    architecture: "granite_swa",
    title: "some layers without rotation",
    keys: { "attention.rope_pattern": [1, 0, 1, 1, 0, 1] },
  },
  ...ofEach(["llama", "deepseek2", "mistral3", "gpt-oss"], "YaRN", {
    keys: { "rope.scaling.type": "yarn", "rope.scaling.factor": 4.5, "rope.scaling.original_context_length": 1024 },
  }),
];

const MULTIPLIED: readonly Variant[] = [
  { architecture: "command-r", title: "scaled logits", keys: { logit_scale: 0.5 } },
  { architecture: "cohere2", title: "logits as they are", keys: { logit_scale: 0 } },
  { architecture: "minicpm", title: "no multipliers", keys: { embedding_scale: 0, residual_scale: 0 } },
  { architecture: "minicpm", title: "multipliers", keys: { embedding_scale: 3, residual_scale: 2, logit_scale: 4 } },
  ...ofEach(["granite", "granite_swa", "granitemoe", "granitehybrid", "graniteswitch"], "no multipliers", {
    withoutKeys: ["embedding_scale", "residual_scale"],
  }),
  ...ofEach(["granite", "granite_swa", "granitemoe", "granitehybrid", "graniteswitch"], "multipliers", {
    keys: { embedding_scale: 12, residual_scale: 0.22, logit_scale: 8 },
  }),
  { architecture: "hrm_text", title: "scaled embeddings", keys: { embedding_scale: 2.5 } },
  { architecture: "muse-glimmer", title: "logits without cap", keys: { final_logit_softcapping: 0 } },
  { architecture: "nanbeige", title: "three passes", keys: { num_loops: 3 } },
  { architecture: "nanbeige", title: "no norm between passes", keys: { skip_loop_final_norm: true } },
  ...ofEach(["step35", "bailingmoe3"], "bound products in some layers", {
    keys: { swiglu_clamp_exp: [0, 7, 7, 0, 7, 0], swiglu_clamp_shexp: [7, 0, 7, 0, 0, 7] },
  }),
  { architecture: "step35", title: "unbound products", withoutKeys: ["swiglu_clamp_exp", "swiglu_clamp_shexp"] },
];

/** Streams of an image encoder beside the embeddings, and tokens that are read but never said. */
const IMAGES: readonly Variant[] = [
  ...ofEach(["qwen3vl", "qwen3vlmoe"], "three streams of images", { keys: { n_deepstack_layers: 3 } }),
  ...ofEach(["granite", "granite_swa"], "streams of images", { keys: { deepstack_mapping: [-1, 0, 1, -1, 2, -1] } }),
  {
    architecture: "granite",
    title: "streams of images, embeddings as they are",
    keys: { deepstack_mapping: [-1, 0, 1, -1, 0, -1] },
    withoutKeys: ["embedding_scale"],
  },
  {
    architecture: "qwen3tts",
    title: "tokens that are not said",
    keys: { vocab_size: 4096 },
    tensors: [tensor("token_embd.weight", [HIDDEN, 4096], "F16")],
  },
  { architecture: "qwen3vl", title: "reranker", keys: { pooling_type: 4 } },
  { architecture: "qwen3", title: "reranker", keys: { pooling_type: 4 } },
  { architecture: "gemma-embedding", title: "dense layers", keys: { pooling_type: 1 } },
  {
    architecture: "gemma-embedding",
    title: "dense layers of other widths",
    keys: {
      pooling_type: 1,
      dense_2_feat_in: HIDDEN,
      dense_2_feat_out: 512,
      dense_3_feat_in: 512,
      dense_3_feat_out: HIDDEN,
    },
    tensors: [tensor("dense_2.weight", [HIDDEN, 512], "F16"), tensor("dense_3.weight", [512, HIDDEN], "F16")],
  },
  {
    architecture: "gemma-embedding",
    title: "without dense layers",
    keys: { pooling_type: 3 },
    without: /^dense_/,
    withoutKeys: ["dense_2_feat_in", "dense_2_feat_out", "dense_3_feat_in", "dense_3_feat_out"],
  },
  ...ofEach(["qwen2", "qwen3", "llama", "lfm2"], "mean of the tokens", { keys: { pooling_type: 1 } }),
];

/** Indexers and windows. */
const CHOSEN: readonly Variant[] = [
  ...ofEach(["deepseek32", "dots3note", "glm-dsa", "hy_v4"], "more chosen than there are", {
    keys: { "attention.indexer.top_k": 100_000 },
  }),
  ...ofEach(["deepseek32", "deepseek4", "dots3note", "glm-dsa", "minimax-m3"], "none chosen", {
    keys: { "attention.indexer.top_k": 0 },
  }),
  { architecture: "minimax-m3", title: "small blocks", keys: { "attention.indexer.block_size": 2 } },
  { architecture: "gpt-oss", title: "two of three layers windowed", keys: { "attention.sliding_window_pattern": 3 } },
  ...ofEach(["mimo2", "step35", "maple", "spark2_5"], "every layer windowed", {
    keys: { "attention.sliding_window_pattern": [1, 1, 1, 1, 1, 1] },
  }),
  ...ofEach(["laguna", "mellum", "olmo2", "plamo3", "smallthinker", "gemma2"], "no window", {
    withoutKeys: ["attention.sliding_window"],
  }),
  { architecture: "gemma4", title: "every layer with a cache", withoutKeys: ["attention.shared_kv_layers"] },
];

/** Numbers and flags of the file that change what is drawn. */
export const NUMBERS: readonly Variant[] = [...POSITIONS, ...MULTIPLIED, ...IMAGES, ...CHOSEN];
