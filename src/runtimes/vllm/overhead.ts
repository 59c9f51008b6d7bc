import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import { measuredItem } from "../measured-item.ts";
import type { VllmSettings } from "./settings.ts";
import { rulesOf } from "./version.ts";

/** Context, libraries and kernels outside PyTorch's allocator, one rank alone: what vLLM logs as non-torch memory. */
const NON_TORCH = { typical: 0.6, low: 0.12, high: 1.8 };

/** What NCCL adds where ranks talk to each other, and with experts spread over ranks. */
const NCCL = { typical: 1.5, low: 0.6, high: 2.5 };
const ALL_TO_ALL = { typical: 4, low: 2, high: 8 };

/** Ranges of published measurements: nothing here follows from the model. */
export function overheadItems(settings: VllmSettings, { name }: Device): MemoryItem[] {
  const { tensorParallel, pipelineParallel, dataParallel, expertParallel } = settings;
  const ranks = tensorParallel * pipelineParallel * dataParallel;
  const spreadsExperts = expertParallel && tensorParallel * dataParallel > 1;
  return [
    measuredItem(
      name,
      "CUDA context, libraries and kernels",
      NON_TORCH,
      "logs of non-torch memory: vllm-project/vllm pull request 10511 (1.79 GiB) and issue 14452 (0.33), generative-computing/mellea pull request 416 (0.16)",
    ),
    ...(ranks === 1
      ? []
      : [
          spreadsExperts
            ? measuredItem(name, "communication, experts over ranks", ALL_TO_ALL, "NVIDIA/nccl issues 864, 1685")
            : measuredItem(
                name,
                "communication between ranks",
                NCCL,
                "NVIDIA/nccl issue 864; vllm-project/vllm pull request 10511: 1.79 GiB more on two ranks",
              ),
        ]),
    ...graphItems(settings, name),
  ];
}

/** Captured graphs: 0.1 to 2.5 GiB in most logs. */
function graphItems({ enforceEager, maxSequences, version }: VllmSettings, device: string): MemoryItem[] {
  if (enforceEager) return [];
  const sizes = captureSizes(Math.min(512, 2 * maxSequences));
  const typical = 0.3 + 0.01 * sizes;
  const counted = rulesOf(version).graphsInBudget ? "" : ", outside the share of vLLM";
  return [
    measuredItem(
      device,
      `CUDA graphs of ${sizes} batch sizes${counted}`,
      { typical, low: 0.1, high: 2.5 },
      "logs: aivrar/vllm-windows-build issue 17 (0.11 GiB), gpustack/runner pull request 251 (0.36), vllm-project/vllm pull requests 39559 (0.73) and 22897 (26 MiB for each of 67 sizes)",
    ),
  ];
}

/** Sizes that graphs are captured for (`config/vllm.py`, _set_cudagraph_sizes): 1, 2, 4, by 8 to 256, by 16 beyond. */
export function captureSizes(largest: number): number {
  const small = [1, 2, 4].filter((size) => size <= largest).length;
  const byEight = Math.floor(Math.min(largest, 255) / 8);
  const bySixteen = largest < 256 ? 0 : Math.floor((largest - 256) / 16) + 1;
  return small + byEight + bySixteen;
}
