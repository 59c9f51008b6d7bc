import type { Model } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";

const MIB = 1024 * 1024;
const F32_BYTES = 4;

/**
 * The output buffer, `4 x outputs x vocabulary` (llama.cpp 0.5.0 `src/llama-context.cpp:2103-2160`), and on CUDA the
 * context with its kernels: 451-456 MiB per device in ggml-org/llama.cpp pull request 15860, 0.4-0.6 GiB in general.
 * Null where the vocabulary is not known.
 */
export function overheadItems(model: Model, settings: LlamaCppSettings, placement: Placement): MemoryItem[] | null {
  if (model.vocabularySize === null) return null;
  const { main, host } = placement;
  const output: MemoryItem = {
    component: "overhead",
    label: `output buffer, ${settings.sequences} x ${model.vocabularySize} logits`,
    device: host.name,
    bytes: F32_BYTES * settings.sequences * model.vocabularySize,
    certainty: "derived",
    source: "llama.cpp 0.5.0 src/llama-context.cpp:2103-2160",
  };
  if (main.kind !== "cuda") return [output];
  return [
    output,
    {
      component: "overhead",
      label: "CUDA context and kernels",
      device: main.name,
      bytes: 455 * MIB,
      certainty: "estimate",
      source: "ggml-org/llama.cpp pull request 15860 (RTX 4090)",
      low: 400 * MIB,
      high: 614 * MIB,
    },
  ];
}
