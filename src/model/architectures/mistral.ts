import type { Architecture } from "./architecture.ts";
import { configAttention } from "./attention-rules.ts";
import { configDense, configExperts } from "./feed-forward-rules.ts";
import { configWindow, everyLayer } from "./windows.ts";

/** Mistral and Mixtral, as config.json names them; as GGUF they are `llama`. An explicit `null` window is none. */
export const mistral: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: ["mistral"],
      mixer: configAttention(configWindow(everyLayer)),
      feedForward: configDense,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/mistral/configuration_mistral.py
      defaults: {
        vocab_size: 32000,
        hidden_size: 4096,
        intermediate_size: 14336,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        max_position_embeddings: 131072,
        sliding_window: 4096,
        tie_word_embeddings: false,
      },
    },
    {
      modelTypes: ["mixtral"],
      mixer: configAttention(configWindow(everyLayer)),
      feedForward: configExperts({ experts: ["num_local_experts", "num_experts"], width: ["intermediate_size"] }),
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/mixtral/configuration_mixtral.py
      defaults: {
        vocab_size: 32000,
        hidden_size: 4096,
        intermediate_size: 14336,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        max_position_embeddings: 131072,
        num_experts_per_tok: 2,
        num_local_experts: 8,
        tie_word_embeddings: false,
      },
    },
  ],
};
