import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configDense, ggufFeedForward } from "./feed-forward-rules.ts";
import { configWindow, ggufPattern, noWindow, periodic, required } from "./windows.ts";

/** Gemma 1. */
export const gemma: Architecture = {
  gguf: [{ names: ["gemma"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() }],
  config: [
    {
      modelTypes: ["gemma"],
      mixer: configAttention(noWindow),
      feedForward: configDense,
    },
  ],
};

/** Gemma 2: every other layer slides. llama.cpp takes an absent window as 4096 (src/models/gemma2.cpp). */
export const gemma2: Architecture = {
  gguf: [
    {
      names: ["gemma2"],
      mixer: ggufAttention(ggufPattern({ period: 2, window: (tokens = 4096) => required(tokens) })),
      feedForward: ggufFeedForward(),
    },
  ],
  config: [
    {
      modelTypes: ["gemma2"],
      mixer: configAttention(configWindow(periodic(2))),
      feedForward: configDense,
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
    },
  ],
};
