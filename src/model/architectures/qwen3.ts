import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configDense, configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { sparseStepDense } from "./qwen-experts.ts";
import { upperLayersSlide } from "./qwen2.ts";
import { configWindow, noWindow } from "./windows.ts";

function everyLayerIfEnabled(keys: Keys): (layer: number) => boolean {
  const enabled = keys.flag("use_sliding_window") ?? false;
  return () => enabled;
}

/** Qwen3, dense and mixture of experts. */
export const qwen3: Architecture = {
  gguf: [{ names: ["qwen3", "qwen3moe"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() }],
  config: [
    {
      modelTypes: ["qwen3"],
      mixer: configAttention(configWindow(upperLayersSlide)),
      feedForward: configDense,
    },
    {
      modelTypes: ["qwen3_moe"],
      mixer: configAttention(configWindow(everyLayerIfEnabled)),
      feedForward: configExperts({
        experts: ["num_experts", "num_local_experts"],
        width: ["moe_intermediate_size"],
        dense: sparseStepDense,
      }),
    },
  ],
};
