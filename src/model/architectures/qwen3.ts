import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configDense, configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { sparseStepDense } from "./qwen-experts.ts";
import { upperLayersSlide } from "./qwen2.ts";
import { configWindow, noWindow } from "./windows.ts";

function everyLayerIfEnabled(keys: Keys): (layer: number) => boolean {
  const enabled = keys.flag("use_sliding_window") ?? false;
  return () => enabled;
}

/** Qwen3, dense and mixture of experts. */
export const qwen3: Architecture = {
  gguf: [{ names: ["qwen3", "qwen3moe"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() }],
  config: [
    {
      modelTypes: ["qwen3"],
      mixer: configAttention(configWindow(upperLayersSlide)),
      feedForward: configDense,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/qwen3/configuration_qwen3.py
      defaults: {
        vocab_size: 151936,
        hidden_size: 4096,
        intermediate_size: 22016,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        num_key_value_heads: 32,
        head_dim: 128,
        max_position_embeddings: 32768,
        use_sliding_window: false,
        sliding_window: 4096,
        max_window_layers: 28,
        tie_word_embeddings: false,
      },
    },
    {
      modelTypes: ["qwen3_moe"],
      mixer: configAttention(configWindow(everyLayerIfEnabled)),
      feedForward: configExperts({
        experts: ["num_experts", "num_local_experts"],
        width: ["moe_intermediate_size"],
        dense: sparseStepDense,
      }),
      // No head_dim of its own: absent, it is hidden / heads.
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/qwen3_moe/configuration_qwen3_moe.py
      defaults: {
        vocab_size: 151936,
        hidden_size: 2048,
        intermediate_size: 6144,
        num_hidden_layers: 24,
        num_attention_heads: 32,
        num_key_value_heads: 4,
        max_position_embeddings: 32768,
        use_sliding_window: false,
        sliding_window: 4096,
        decoder_sparse_step: 1,
        moe_intermediate_size: 768,
        num_experts_per_tok: 8,
        num_experts: 128,
        tie_word_embeddings: false,
      },
    },
  ],
};
