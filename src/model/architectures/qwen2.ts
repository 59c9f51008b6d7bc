import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { configDense, configExperts, ggufFeedForward } from "./feed-forward-rules.ts";
import { sparseStepDense } from "./qwen-experts.ts";
import { configWindow, noWindow } from "./windows.ts";

/** Layers from `max_window_layers` on slide, when `use_sliding_window` turns windows on at all. */
export function upperLayersSlide(keys: Keys): (layer: number) => boolean {
  const enabled = keys.flag("use_sliding_window") ?? false;
  const from = keys.integer("max_window_layers") ?? 0;
  return (layer) => enabled && layer >= from;
}

/** Every other layer below `max_window_layers`, as Qwen2MoeConfig fills `layer_types` in. */
function alternateLowerLayersSlide(keys: Keys): (layer: number) => boolean {
  const enabled = keys.flag("use_sliding_window") ?? false;
  const below = keys.integer("max_window_layers") ?? 0;
  return (layer) => enabled && (layer + 1) % 2 !== 0 && layer < below;
}

/** Qwen2 and 2.5, dense and mixture of experts. llama.cpp does not use their windows. */
export const qwen2: Architecture = {
  gguf: [{ names: ["qwen2", "qwen2moe"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() }],
  config: [
    {
      modelTypes: ["qwen2"],
      mixer: configAttention(configWindow(upperLayersSlide)),
      feedForward: configDense,
    },
    {
      modelTypes: ["qwen2_moe"],
      mixer: configAttention(configWindow(alternateLowerLayersSlide)),
      feedForward: configExperts({
        experts: ["num_experts"],
        width: ["moe_intermediate_size"],
        sharedWidth: (keys) => keys.integer("shared_expert_intermediate_size"),
        dense: sparseStepDense,
      }),
    },
  ],
};
