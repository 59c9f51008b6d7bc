import { HIDDEN, mixtureOf, ofEach, ofLayers, TOKENS, tensor, type Variant, WIDE } from "./variant.ts";

const GRANITE_SHARED = { expert_shared_feed_forward_length: 160 };
const GRANITE_EXPERTS = { expert_count: 4, expert_used_count: 2 };

const GRANITE: readonly Variant[] = [
  {
    architecture: "granite_swa",
    title: "mixture with joint shared expert",
    keys: { ...GRANITE_EXPERTS, ...GRANITE_SHARED },
    without: /ffn_(?:gate|up|down)\./,
    tensors: ofLayers((prefix) => [
      ...mixtureOf(prefix, WIDE),
      tensor(`${prefix}ffn_up_shexp.weight`, [HIDDEN, 320], "F16"),
      tensor(`${prefix}ffn_down_shexp.weight`, [160, HIDDEN], "F16"),
    ]),
  },
  {
    architecture: "granite_swa",
    title: "mixture",
    keys: GRANITE_EXPERTS,
    without: /ffn_(?:gate|up|down)\./,
    tensors: ofLayers((prefix) => mixtureOf(prefix, WIDE)),
  },
  {
    architecture: "granite",
    title: "mixture with shared expert",
    keys: { ...GRANITE_EXPERTS, ...GRANITE_SHARED },
    without: /ffn_(?:gate|up|down)\./,
    tensors: ofLayers((prefix) => [
      ...mixtureOf(prefix, WIDE),
      tensor(`${prefix}ffn_gate_shexp.weight`, [HIDDEN, 160], "F16"),
      tensor(`${prefix}ffn_up_shexp.weight`, [HIDDEN, 160], "F16"),
      tensor(`${prefix}ffn_down_shexp.weight`, [160, HIDDEN], "F16"),
    ]),
  },
  {
    architecture: "granitemoe",
    title: "without shared expert",
    keys: { expert_shared_feed_forward_length: 0 },
    without: /shexp/,
  },
  {
    architecture: "granitehybrid",
    row: "experts",
    title: "without shared expert",
    keys: { expert_shared_feed_forward_length: 0 },
    without: /shexp/,
  },
];

const OTHERS: readonly Variant[] = [
  { architecture: "grok", title: "without dense feed-forward", without: /ffn_(?:gate|up|down)\.weight/ },
  {
    architecture: "grok",
    title: "norms of layers",
    without: /post_ffw_norm/,
    tensors: ofLayers((prefix) => [tensor(`${prefix}layer_output_norm.weight`, [HIDDEN])]),
  },
  {
    architecture: "grok",
    title: "norms after feed-forward",
    without: /layer_output_norm/,
    tensors: ofLayers((prefix) => [tensor(`${prefix}post_ffw_norm.weight`, [HIDDEN])]),
  },
  { architecture: "grok", title: "logits without cap", keys: { final_logit_softcapping: 0 } },
  { architecture: "grok", title: "capped logits", keys: { final_logit_softcapping: 30 } },
  {
    architecture: "llama4",
    title: "128 experts",
    keys: { expert_count: 128 },
    tensors: [1, 3, 5].flatMap((layer) => mixtureOf(`blk.${layer}.`, 96, 128)),
  },
  {
    architecture: "grovemoe",
    title: "experts that share chunks",
    keys: { experts_per_group: 2 },
    tensors: ofLayers((prefix) => [
      tensor(`${prefix}ffn_gate_chexps.weight`, [HIDDEN, 32, 2]),
      tensor(`${prefix}ffn_up_chexps.weight`, [HIDDEN, 32, 2]),
      tensor(`${prefix}ffn_down_chexps.weight`, [32, HIDDEN, 2]),
    ]),
  },
  { architecture: "ernie4_5-moe", title: "every second layer", keys: { interleave_moe_layer_step: 2 } },
  {
    architecture: "ernie4_5-moe",
    title: "without shared expert",
    keys: { expert_shared_feed_forward_length: 0 },
    without: /shexp/,
  },
  { architecture: "mimo2", title: "scaled values", keys: { "attention.value_scale": 0.5 } },
  { architecture: "mimo2", title: "dense layers", dense: [0, 3] },
  { architecture: "step35", title: "dense layers", dense: [0, 3] },
  {
    architecture: "deepseek4",
    title: "experts by token",
    keys: { hash_layer_count: 2 },
    without: /blk\.[01]\.exp_probs_b/,
    tensors: [0, 1].map((layer) => tensor(`blk.${layer}.ffn_gate_tid2eid.weight`, [2, TOKENS], "I32")),
  },
  { architecture: "mistral3", title: "warmer with distance", keys: { "attention.temperature_scale": 0.1 } },
  { architecture: "mistral4", title: "warmer with distance", keys: { "attention.temperature_scale": 0.1 } },
  { architecture: "deepseek2", title: "warmer with distance", keys: { "attention.temperature_scale": 0.1 } },
  {
    architecture: "deepseek2",
    title: "direct queries",
    withoutKeys: ["attention.q_lora_rank"],
    without: /attn_q_[ab]/,
    layers: 27,
    tensors: Array.from({ length: 27 }, (_, layer) => tensor(`blk.${layer}.attn_q.weight`, [HIDDEN, 768], "F16")),
  },
  {
    architecture: "deepseek2",
    title: "GLM 4.7 Flash",
    layers: 47,
    keys: { vocab_size: 154_880 },
    withoutKeys: ["expert_gating_func"],
    tensors: [tensor("token_embd.weight", [HIDDEN, 154_880], "F16"), tensor("output.weight", [HIDDEN, 154_880], "F16")],
  },
  { architecture: "deepseek2", title: "gating of the engine", withoutKeys: ["expert_gating_func"] },
  { architecture: "phimoe", title: "without rotary factors", without: /rope_f/ },
];

/** Whose files say how chances follow from logits. */
const GATED = [
  "afmoe",
  "bailingmoe2",
  "bailingmoe3",
  "cohere2moe",
  "deepseek2",
  "deepseek2-ocr",
  "deepseek32",
  "dots1",
  "dots3note",
  "exaone-moe",
  "glm-dsa",
  "glm4moe",
  "hy_v3",
  "hy_v4",
  "kimi-k3",
  "kimi-linear",
  "laguna",
  "lfm2moe",
  "minimax-m2",
  "minimax-m3",
  "mistral4",
  "smallthinker",
  "step35",
];

/** Of whose experts the architecture says it. */
const FIXED = [
  "arctic",
  "bailingmoe",
  "dbrx",
  "deepseek",
  "ernie4_5-moe",
  "gpt-oss",
  "grok",
  "grovemoe",
  "hunyuan-moe",
  "llama4",
  "maple",
  "mellum",
  "mimo2",
  "minimax-01",
  "nomic-bert-moe",
  "olmoe",
  "phimoe",
  "qwen2moe",
  "qwen3moe",
  "qwen3vlmoe",
  "nemotron_h_moe",
  "qwen3next",
  "qwen35moe",
  "qwen4exp",
  "llada-moe",
  "rnd1",
];

const GROUPS = { expert_group_count: 2, expert_group_used_count: 1 };

const ROUTING: readonly Variant[] = [
  ...ofEach(GATED, "softmax in groups, weights of a sum", {
    keys: { ...GROUPS, expert_gating_func: 1, expert_weights_norm: true, expert_weights_scale: 2.5 },
  }),
  ...ofEach(GATED, "softmax of one chosen", { keys: { expert_gating_func: 3, expert_used_count: 1 } }),
  ...ofEach(GATED, "root of softplus, weights as they are", {
    keys: { expert_gating_func: 4, expert_weights_norm: false, expert_weights_scale: 1 },
  }),
  ...ofEach(FIXED, "one expert of a group, keys that are not read", {
    keys: { ...GROUPS, expert_used_count: 1, expert_gating_func: 3, expert_weights_scale: 2.5 },
  }),
  ...["llama", "granitemoe", "granitehybrid"].map(
    (architecture): Variant => ({
      architecture,
      row: "experts",
      title: "one expert of a group, keys that are not read",
      keys: { ...GROUPS, expert_used_count: 1, expert_gating_func: 3, expert_weights_scale: 2.5 },
    }),
  ),
  ...ofEach(
    [
      "afmoe",
      "bailingmoe3",
      "deepseek32",
      "dots1",
      "dots3note",
      "exaone-moe",
      "glm-dsa",
      "hy_v4",
      "kimi-linear",
      "laguna",
      "lfm2moe",
    ],
    "two dense layers",
    {
      keys: { leading_dense_block_count: 2 },
      dense: [1],
    },
  ),
];

/** Experts: which layers have some, how they are chosen and weighed. */
export const MIXTURES: readonly Variant[] = [...GRANITE, ...OTHERS, ...ROUTING];
