import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configDense, ggufFeedForward } from "./feed-forward-rules.ts";
import { noWindow } from "./windows.ts";

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
    },
    {
      modelTypes: ["roberta"],
      mixer: configAttention(noWindow, { causal: false }),
      feedForward: configDense,
      causal: false,
    },
    {
      modelTypes: ["distilbert"],
      mixer: configAttention(noWindow, { causal: false }),
      feedForward: configDense,
      causal: false,
    },
  ],
};
