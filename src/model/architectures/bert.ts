import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configDense, ggufFeedForward } from "./feed-forward-rules.ts";
import { noWindow } from "./windows.ts";

// https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/bert/configuration_bert.py
const BERT_DEFAULTS = {
  vocab_size: 30522,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  max_position_embeddings: 512,
};

/** BERT and its kin: encoders, which look both ways and keep nothing between calls. */
export const bert: Architecture = {
  gguf: [
    {
      names: ["bert", "nomic-bert"],
      mixer: ggufAttention(noWindow, { causal: false }),
      feedForward: ggufFeedForward(),
      causal: false,
    },
  ],
  config: [
    {
      modelTypes: ["bert", "xlm-roberta"],
      mixer: configAttention(noWindow, { causal: false }),
      feedForward: configDense,
      causal: false,
      defaults: BERT_DEFAULTS,
    },
    {
      modelTypes: ["roberta"],
      mixer: configAttention(noWindow, { causal: false }),
      feedForward: configDense,
      causal: false,
      defaults: { ...BERT_DEFAULTS, vocab_size: 50265 },
    },
    {
      modelTypes: ["distilbert"],
      mixer: configAttention(noWindow, { causal: false }),
      feedForward: configDense,
      causal: false,
      // https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/models/distilbert/configuration_distilbert.py
      defaults: {
        vocab_size: 30522,
        max_position_embeddings: 512,
        n_layers: 6,
        n_heads: 12,
        dim: 768,
        hidden_dim: 3072,
      },
    },
  ],
};
