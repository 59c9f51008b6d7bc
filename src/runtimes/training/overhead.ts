import { contextItems } from "../cuda-context.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import { measuredItem } from "../measured-item.ts";
import type { TrainingSettings } from "./settings.ts";

const NCCL = { typical: 1.5, low: 1, high: 2 };

/** What PyTorch holds on one GPU beside tensors. `items` are all that is on it. */
export function overheadItems(
  device: Device,
  settings: TrainingSettings,
  gradients: number,
  items: readonly MemoryItem[],
): readonly MemoryItem[] {
  const { gpus, sharding } = settings;
  const own = items.filter((item) => item.device === device.name);
  const sum = (bytesOf: (item: MemoryItem) => number): number => own.reduce((total, item) => total + bytesOf(item), 0);
  const overhead = { component: "overhead", device: device.name } as const;
  const buckets: readonly MemoryItem[] =
    gpus > 1 && sharding === "none"
      ? [
          {
            ...overhead,
            label: "gradients in buckets, to be averaged over GPUs",
            bytes: gradients,
            certainty: "derived",
            source: "torch 2.15.0 nn/parallel/distributed.py, gradient_as_bucket_view=False",
          },
        ]
      : [];
  if (device.kind !== "cuda") return buckets;
  return [
    ...buckets,
    ...contextItems(device),
    {
      ...overhead,
      label: "rounding and fragmentation of the caching allocator",
      bytes: Math.round(0.1 * sum(({ bytes }) => bytes)),
      certainty: "estimate",
      source:
        "torch c10/cuda/CUDACachingAllocator.cpp: 512-byte blocks in segments of 2 and 20 MiB; reserved up to 1.3 x allocated",
      low: 0,
      high: Math.round(0.3 * sum(({ bytes, high }) => high ?? bytes)),
    },
    ...(gpus > 1 ? [measuredItem(device.name, "NCCL", NCCL, "nccl issues 864, 986 and 1685")] : []),
  ];
}

/** What DeepSpeed keeps on the host for all GPUs of one machine, with up to half as much again for its buffers. */
export function hostItems(hostBytes: number, device: string): readonly MemoryItem[] {
  if (hostBytes === 0) return [];
  return [
    {
      component: "optimizer",
      label: "states kept on the host, for all GPUs",
      device,
      bytes: hostBytes,
      certainty: "estimate",
      source: "DeepSpeed 0.19.8 runtime/zero, additional_buffer_factor 1.5",
      low: hostBytes,
      high: Math.ceil(1.5 * hostBytes),
    },
  ];
}
