import { GIB, MIB } from "../binary-units.ts";
import type { MemoryItem } from "../estimate.ts";
import { measuredItem } from "../measured-item.ts";
import type { Rank } from "./ranks.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

/** A worker of 1.2.1 on an H100 held 588 MiB before it loaded anything, and a 0.6 B model left 76.3 of 79.2 GiB. */
const CONTEXT = { typical: 1.25, low: (588 * MIB) / GIB, high: 2.5 };

const BETWEEN_RANKS = { typical: 1.5, low: 1, high: 2 };
/** All-to-all between experts adds peers. */
const ALL_TO_ALL = { ...BETWEEN_RANKS, high: 4.34 };

/** What the engine holds outside weights, activations and cache. */
export function overheadItems(
  { device: { name } }: Rank,
  { tensorParallel, expertParallel, pipelineParallel }: TensorrtLlmSettings,
): MemoryItem[] {
  const context = measuredItem(
    name,
    "CUDA context, libraries, workspaces and CUDA graphs",
    CONTEXT,
    "farbodtavakkoli/OTel inference/tensorrtllm/llm/README.md (1.2.1, H100); NVIDIA/TensorRT-LLM issue 5872",
  );
  if (tensorParallel * pipelineParallel === 1) return [context];
  const measured = expertParallel > 1 ? ALL_TO_ALL : BETWEEN_RANKS;
  return [
    context,
    measuredItem(name, "NCCL and all-reduce workspaces", measured, "NVIDIA/nccl issues 864, 986 and 1685"),
  ];
}
