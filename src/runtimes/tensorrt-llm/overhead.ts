import type { MemoryItem } from "../estimate.ts";
import type { Rank } from "./ranks.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** What the engine holds outside weights, activations and cache. */
export function overheadItems(
  { device }: Rank,
  { tensorParallel, expertParallel, pipelineParallel }: TensorrtLlmSettings,
): MemoryItem[] {
  const items: MemoryItem[] = [
    {
      component: "overhead",
      label: "CUDA context, libraries, workspaces and CUDA graphs",
      device: device.name,
      bytes: Math.round(1.25 * GIB),
      certainty: "estimate",
      // A worker of 1.2.1 on an H100 held 588 MiB before it loaded anything, and a 0.6 B model left 76.3 of 79.2 GiB.
      source: "farbodtavakkoli/OTel inference/tensorrtllm/llm/README.md (1.2.1, H100); NVIDIA/TensorRT-LLM issue 5872",
      low: 588 * MIB,
      high: Math.round(2.5 * GIB),
    },
  ];
  if (tensorParallel * pipelineParallel > 1) {
    items.push({
      component: "overhead",
      label: "NCCL and all-reduce workspaces",
      device: device.name,
      bytes: Math.round(1.5 * GIB),
      certainty: "estimate",
      source: "NVIDIA/nccl issues 864, 986 and 1685",
      low: GIB,
      // All-to-all between experts adds peers.
      high: Math.round((expertParallel > 1 ? 4.34 : 2) * GIB),
    });
  }
  return items;
}
