import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { noWindow } from "./windows.ts";

/** Llama 2 and 3. The GGUF name also stands for Mistral and Mixtral, whose windows llama.cpp does not use. */
export const llama: Architecture = {
  gguf: [{ names: ["llama"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() }],
  config: [
    {
      modelTypes: ["llama"],
      mixer: configAttention(noWindow),
      // Merges made experts of llamas before Mixtral had a model_type.
      feedForward: configExperts({ experts: ["num_local_experts"], width: ["intermediate_size"] }),
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/llama/configuration_llama.py
      defaults: {
        vocab_size: 32000,
        hidden_size: 4096,
        intermediate_size: 11008,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        max_position_embeddings: 2048,
        tie_word_embeddings: false,
      },
    },
  ],
};
