import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configDense, ggufFeedForward } from "./feed-forward-rules.ts";
import { configWindow, everyLayer, noWindow } from "./windows.ts";

/** Phi-3 and Phi-4. llama.cpp ignores the window its files carry (src/models/phi3.cpp); transformers slides. */
export const phi3: Architecture = {
  gguf: [{ names: ["phi3"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() }],
  config: [
    {
      modelTypes: ["phi3"],
      mixer: configAttention(configWindow(everyLayer)),
      feedForward: configDense,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/phi3/configuration_phi3.py
      defaults: {
        vocab_size: 32064,
        hidden_size: 3072,
        intermediate_size: 8192,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        max_position_embeddings: 4096,
        tie_word_embeddings: false,
      },
    },
  ],
};
