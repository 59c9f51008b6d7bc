import type { Architecture } from "./architecture.ts";
import { noFeedForward } from "./feed-forward-rules.ts";
import { configMamba, ggufMamba } from "./recurrent-rules.ts";

/** Mamba 1 and 2: no attention, no cache that grows. */
export const mamba: Architecture = {
  gguf: [
    { names: ["mamba"], mixer: ggufMamba("mamba1"), feedForward: noFeedForward },
    { names: ["mamba2"], mixer: ggufMamba("mamba2"), feedForward: noFeedForward },
  ],
  config: [
    {
      modelTypes: ["mamba"],
      mixer: configMamba("mamba1"),
      feedForward: noFeedForward,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/mamba/configuration_mamba.py
      defaults: {
        vocab_size: 50280,
        hidden_size: 768,
        state_size: 16,
        num_hidden_layers: 32,
        expand: 2,
        conv_kernel: 4,
        tie_word_embeddings: true,
      },
    },
    {
      modelTypes: ["mamba2"],
      mixer: configMamba("mamba2"),
      feedForward: noFeedForward,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/mamba2/configuration_mamba2.py
      defaults: {
        vocab_size: 32768,
        hidden_size: 4096,
        state_size: 128,
        num_hidden_layers: 64,
        expand: 2,
        conv_kernel: 4,
        n_groups: 8,
        tie_word_embeddings: false,
      },
    },
  ],
};
