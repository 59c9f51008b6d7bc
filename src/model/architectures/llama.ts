import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { noWindow } from "./windows.ts";

/** Llama 2 and 3. The GGUF name also stands for Mistral and Mixtral, whose windows llama.cpp does not use. */
export const llama: Architecture = {
  gguf: [{ names: ["llama"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() }],
  config: [
    {
      // LLaVA: a llama after an image encoder, whether its keys stand in a `text_config` or not.
      modelTypes: ["llama", "llava"],
      mixer: configAttention(noWindow),
      // Merges made experts of llamas before Mixtral had a model_type.
      feedForward: configExperts({ experts: ["num_local_experts"], width: ["intermediate_size"] }),
    },
  ],
};
