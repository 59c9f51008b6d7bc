import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { configWindow, ggufPattern, periodic, required } from "./windows.ts";

/** gpt-oss: every other layer slides, the first one included. */
export const gptOss: Architecture = {
  gguf: [
    {
      names: ["gpt-oss"],
      mixer: ggufAttention(ggufPattern({ period: 2, window: required })),
      feedForward: ggufFeedForward(),
    },
  ],
  config: [
    {
      modelTypes: ["gpt_oss"],
      mixer: configAttention(configWindow(periodic(2))),
      feedForward: configExperts({ experts: ["num_local_experts", "num_experts"], width: ["intermediate_size"] }),
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/gpt_oss/configuration_gpt_oss.py
      defaults: {
        vocab_size: 201088,
        hidden_size: 2880,
        intermediate_size: 2880,
        num_hidden_layers: 36,
        num_attention_heads: 64,
        num_key_value_heads: 8,
        head_dim: 64,
        max_position_embeddings: 131072,
        sliding_window: 128,
        num_experts_per_tok: 4,
        num_local_experts: 128,
        tie_word_embeddings: false,
      },
    },
  ],
};
