import type { Architecture } from "./architecture.ts";
import { configAttention } from "./attention-rules.ts";
import { configDense, configExperts } from "./feed-forward-rules.ts";
import { configWindow, everyLayer } from "./windows.ts";

/** Mistral and Mixtral, as config.json names them; as GGUF they are `llama`. An explicit `null` window is none. */
export const mistral: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: ["mistral"],
      mixer: configAttention(configWindow(everyLayer)),
      feedForward: configDense,
    },
    {
      modelTypes: ["mixtral"],
      mixer: configAttention(configWindow(everyLayer)),
      feedForward: configExperts({ experts: ["num_local_experts", "num_experts"], width: ["intermediate_size"] }),
    },
  ],
};
