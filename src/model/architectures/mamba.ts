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
      modelTypes: ["mamba", "falcon_mamba"],
      mixer: configMamba("mamba1"),
      feedForward: noFeedForward,
    },
    {
      modelTypes: ["mamba2"],
      mixer: configMamba("mamba2"),
      feedForward: noFeedForward,
    },
  ],
};
