import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { configWindow, ggufPattern, periodic, required } from "./windows.ts";

/** gpt-oss: every other layer slides, the first one included. */
export const gptOss: Architecture = {
  gguf: [
    {
      names: ["gpt-oss"],
      mixer: ggufAttention(ggufPattern({ period: 2, window: required })),
      feedForward: ggufFeedForward(),
    },
  ],
  config: [
    {
      modelTypes: ["gpt_oss"],
      mixer: configAttention(configWindow(periodic(2))),
      feedForward: configExperts({ experts: ["num_local_experts", "num_experts"], width: ["intermediate_size"] }),
    },
  ],
};
