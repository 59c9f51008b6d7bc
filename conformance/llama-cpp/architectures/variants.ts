import {
  ALTERNATING,
  type ArchitectureCase,
  EVERY_HEAD,
  EXPERTS,
  each,
  HYPER,
  INDEXER,
  KDA,
  LATENT,
  MARKED,
  SECTIONS,
  SSM,
  WINDOW,
} from "./groups.ts";
import type { ArchitectureKeys } from "./keys.ts";

/** One layer more, which predicts a further token. */
function mtp(blocks: number): ArchitectureKeys {
  return { block_count: blocks + 1, nextn_predict_layers: 1 };
}

const MTP: readonly ArchitectureCase[] = [
  ...each(["glm4moe", "hy_v3"], { ...EXPERTS, ...mtp(6) }, "MTP"),
  ...each(["cohere2moe"], { ...EXPERTS, ...WINDOW, ...mtp(8), logit_scale: 1 }, "MTP"),
  ...each(
    ["mimo2", "step35"],
    { ...EXPERTS, ...MARKED, ...mtp(6), "attention.sliding_window_pattern": [1, 1, 0, 1, 0, 1, 0] },
    "MTP",
  ),
  ...each(["qwen3next", "qwen35moe"], { ...SSM, ...EXPERTS, ...SECTIONS, ...mtp(6) }, "MTP"),
  ...each(["qwen35"], { ...SSM, ...SECTIONS, ...mtp(6) }, "MTP"),
  ...each(["deepseek2", "mistral4"], { ...LATENT, ...EXPERTS, ...mtp(6) }, "MTP"),
  ...each(["deepseek32", "glm-dsa"], { ...LATENT, ...EXPERTS, ...INDEXER, ...mtp(6) }, "MTP"),
  ...each(
    ["nemotron_h_moe"],
    {
      ...SSM,
      ...EXPERTS,
      ...mtp(6),
      "attention.head_count_kv": [0, 2, 0, 0, 2, 0, 2],
      feed_forward_length: [0, 0, 384, 0, 0, 384, 0],
    },
    "MTP, cached in the main context",
  ),
  ...each(
    ["bailingmoe3"],
    { ...LATENT, ...KDA, ...EXPERTS, ...mtp(6), "attention.head_count_kv": [0, 1, 0, 0, 1, 0, 1] },
    "MTP, cached in the main context",
  ),
  ...each(
    ["kimi-k3"],
    {
      ...LATENT,
      ...KDA,
      ...EXPERTS,
      ...mtp(6),
      "attention.head_count_kv": [0, 1, 0, 0, 1, 0, 1],
      expert_latent_length: 96,
      "attn_res.block_size": 12,
      "activation.situ_beta": 4,
      "activation.situ_linear_beta": 25,
    },
    "MTP, cached in the main context",
  ),
  ...each(
    ["lfm2"],
    { ...mtp(6), "attention.head_count_kv": [2, 0, 2, 0, 2, 0, 2], "shortconv.l_cache": 3 },
    "MTP, cached in the main context",
  ),
  ...each(["falcon-h1"], { ...SSM, ...mtp(6) }, "MTP, cached in the main context without its state"),
  ...each(
    ["minimax-m3"],
    {
      ...EXPERTS,
      ...INDEXER,
      ...mtp(6),
      "attention.indexer.head_count": 2,
      "attention.indexer.block_size": 4,
      "attention.indexer.local_blocks": 1,
      leading_dense_block_count: 2,
      "rope.dimension_count": 64,
    },
    "MTP, cached in the main context",
  ),
];

const WINDOWS: readonly ArchitectureCase[] = [
  ...each(["llama", "qwen2", "qwen3", "mistral3", "phi3", "starcoder2"], WINDOW, "a window that is not used"),
  ...each(["lfm2moe"], { ...ALTERNATING, ...EXPERTS, ...WINDOW, "shortconv.l_cache": 3 }, "a window that is not used"),
  ...each(["lfm2"], { ...ALTERNATING, ...WINDOW, "shortconv.l_cache": 3 }, "a window"),
  ...each(["gemma2", "gemma3", "olmo2", "plamo3"], { "attention.sliding_window_pattern": 3 }, "without window"),
  ...each(["laguna", "mellum", "smallthinker"], { ...EXPERTS, "attention.sliding_window": 0 }, "a window of 0"),
  ...each(["gemma3", "olmo2"], { "attention.sliding_window": 0 }, "a window of 0"),
  ...each(["llama4"], { ...EXPERTS, interleave_moe_layer_step: 2, "attention.sliding_window": 0 }, "a window of 0"),
  ...each(["llama4"], { ...EXPERTS, ...WINDOW, interleave_moe_layer_step: 2 }, "a window that is not used"),
  ...each(
    ["gemma3", "gemma3n", "plamo3"],
    { ...WINDOW, "attention.sliding_window_pattern": 2 },
    "a period in the file",
  ),
  ...each(["gemma3", "olmo2"], { ...WINDOW, "attention.sliding_window_pattern": 0 }, "a period of 0"),
  ...each(["gemma3", "cohere2", "muse-glimmer"], { ...MARKED, logit_scale: 1 }, "marked layers"),
  ...each(
    ["gpt-oss", "smallthinker", "cohere2moe", "laguna", "afmoe"],
    { ...EXPERTS, ...MARKED, logit_scale: 1 },
    "marked layers",
  ),
  ...each(
    ["gemma3"],
    { ...WINDOW, "attention.sliding_window_pattern": [1, 1, 0, 1, 0, 1, 1, 0, 0] },
    "more marks than layers",
  ),
  ...each(["gemma3n"], { ...WINDOW, block_count: 30 }, "layers that share a cache"),
  ...each(["exaone4"], { block_count: 64 }, "64 layers, no window in the file"),
  ...each(
    ["mimo2"],
    {
      ...EXPERTS,
      ...MARKED,
      "attention.head_count_kv": [1, 1, 2, 1, 2, 1],
      "attention.key_length": 96,
      "attention.value_length": 64,
    },
    "heads per layer",
  ),
  ...each(
    ["gemma4"],
    {
      ...WINDOW,
      "attention.head_count_kv": [2, 2, 2, 1, 2, 1],
      "attention.sliding_window_pattern": [1, 1, 1, 0, 1, 0],
      "attention.key_length": 128,
      "attention.value_length": 128,
      "attention.key_length_swa": 64,
      "attention.value_length_swa": 64,
      "attention.shared_kv_layers": 0,
      embedding_length_per_layer_input: 0,
      "rope.freq_base_swa": 1e4,
    },
    "no shared cache",
  ),
  ...each(["dflash"], { ...MARKED, target_layers: [1, 2, 4] }, "marked layers"),
];

const OTHERS: readonly ArchitectureCase[] = [
  ...each(
    ["deepseek2"],
    {
      ...EXPERTS,
      ...EVERY_HEAD,
      "attention.key_length": 192,
      "attention.value_length": 128,
      "attention.q_lora_rank": 160,
      "attention.kv_lora_rank": 512,
      "rope.dimension_count": 64,
    },
    "expanded heads",
  ),
  ...each(
    ["glm-dsa"],
    { ...LATENT, ...EXPERTS, ...INDEXER, "attention.indexer.types": [1, 0, 0, 1, 0, 0] },
    "marked indexers",
  ),
  ...each(["glm-dsa"], { ...LATENT, ...EXPERTS, ...INDEXER, "attention.indexer.types": 1 }, "an indexer everywhere"),
  ...each(["glm-dsa"], { ...LATENT, ...EXPERTS, ...INDEXER, context_length: 1048576, block_count: 80 }, "GLM 5.2"),
  ...each(["hy_v4"], { ...LATENT, ...EXPERTS, ...HYPER, swiglu_clamp_exp: 10 }, "without indexer"),
  ...each(["qwen35"], { ...SSM, ...SECTIONS, "attention.recurrent_layers": [1, 0, 1, 1, 0, 1] }, "marked recurrences"),
  ...each(["qwen35"], { ...SSM, ...SECTIONS, full_attention_interval: 2 }, "an interval in the file"),
  ...each(["minimax-01"], { ...EXPERTS, residual_scale: 1, block_count: 9 }, "the interval of the engine"),
  ...each(["nanbeige"], {}, "one pass"),
  ...each(
    ["granitehybrid"],
    {
      ...SSM,
      ...ALTERNATING,
      ...EXPERTS,
      "attention.head_count": [4, 0, 4, 0, 4, 0],
      logit_scale: 1,
      residual_scale: 1,
      embedding_scale: 1,
    },
    "experts",
  ),
  ...each(["jamba"], { ...SSM, ...ALTERNATING, ...EXPERTS }, "experts"),
  ...each(["qwen2"], { "attention.causal": false }, "looking both ways"),
];

export const VARIANTS: readonly ArchitectureCase[] = [...MTP, ...WINDOWS, ...OTHERS];
