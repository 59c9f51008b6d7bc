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
    },
  ],
};
