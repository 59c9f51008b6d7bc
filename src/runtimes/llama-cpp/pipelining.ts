import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";

/** Copies of each input where several GPUs take turns at one batch (`GGML_SCHED_MAX_COPIES`, `ggml/src/ggml-backend.cpp`). */
export const PIPELINE_COPIES = 4;

/** Several GPUs take turns where they hold all blocks and the output (llama.cpp 0.5.0 `src/llama-context.cpp:430-456`). */
export function isPipelined(settings: LlamaCppSettings, { gpus, deviceOf, host }: Placement): boolean {
  const holdAll = gpus.length > 1 && deviceOf(0) !== host;
  return holdAll && settings.splitMode === "layer" && settings.offloadCache && !isOverridden(settings);
}

/** Tensors are placed one by one, not block by block (`has_tensor_overrides`). */
export function isOverridden({ overrideTensors, cpuMoeLayers, cpuFeedForwardLayers }: LlamaCppSettings): boolean {
  return overrideTensors.length > 0 || cpuMoeLayers !== 0 || cpuFeedForwardLayers > 0;
}
