import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configDense, ggufFeedForward } from "./feed-forward-rules.ts";
import { configWindow, ggufPattern, noWindow, periodic, sliding } from "./windows.ts";

/** Gemma 1. */
export const gemma: Architecture = {
  gguf: [{ names: ["gemma"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() }],
  config: [
    {
      modelTypes: ["gemma"],
      mixer: configAttention(noWindow),
      feedForward: configDense,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/gemma/configuration_gemma.py
      defaults: {
        vocab_size: 256000,
        hidden_size: 3072,
        intermediate_size: 24576,
        num_hidden_layers: 28,
        num_attention_heads: 16,
        num_key_value_heads: 16,
        head_dim: 256,
        max_position_embeddings: 8192,
        tie_word_embeddings: true,
      },
    },
  ],
};

/** Gemma 2: every other layer slides. llama.cpp takes an absent window as 4096 (src/models/gemma2.cpp). */
export const gemma2: Architecture = {
  gguf: [
    {
      names: ["gemma2"],
      mixer: ggufAttention(ggufPattern({ period: 2, window: (tokens) => sliding(tokens ?? 4096) })),
      feedForward: ggufFeedForward(),
    },
  ],
  config: [
    {
      modelTypes: ["gemma2"],
      mixer: configAttention(configWindow(periodic(2))),
      feedForward: configDense,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/gemma2/configuration_gemma2.py
      defaults: {
        vocab_size: 256000,
        hidden_size: 2304,
        intermediate_size: 9216,
        num_hidden_layers: 26,
        num_attention_heads: 8,
        num_key_value_heads: 4,
        head_dim: 256,
        max_position_embeddings: 8192,
        sliding_window: 4096,
        tie_word_embeddings: true,
      },
    },
  ],
};

/** Gemma 3, text and multimodal: five layers slide, the sixth does not. Its configs carry only a handful of keys. */
export const gemma3: Architecture = {
  gguf: [{ names: ["gemma3"], mixer: ggufAttention(ggufPattern({ period: 6 })), feedForward: ggufFeedForward() }],
  config: [
    {
      modelTypes: ["gemma3_text", "gemma3"],
      mixer: configAttention(configWindow(periodic(6, "sliding_window_pattern"))),
      feedForward: configDense,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/gemma3/configuration_gemma3.py
      defaults: {
        vocab_size: 262208,
        hidden_size: 2304,
        intermediate_size: 9216,
        num_hidden_layers: 26,
        num_attention_heads: 8,
        num_key_value_heads: 4,
        head_dim: 256,
        max_position_embeddings: 131072,
        sliding_window: 4096,
        tie_word_embeddings: true,
      },
    },
  ],
};
