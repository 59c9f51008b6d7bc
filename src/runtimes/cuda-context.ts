import type { Device } from "./device.ts";
import type { MemoryItem } from "./estimate.ts";

const GIB = 1024 ** 3;

/** Context, libraries and workspaces of PyTorch on a CUDA device, from published measurements. */
export function contextItems(device: Device): MemoryItem[] {
  if (device.kind !== "cuda") return [];
  return [
    {
      component: "overhead",
      label: "CUDA context and libraries",
      device: device.name,
      bytes: Math.round(0.5 * GIB),
      certainty: "estimate",
      source: "pytorch issues 107667, 55277; InvokeAI issue 9413",
      low: Math.round(0.25 * GIB),
      high: Math.round(1.7 * GIB),
    },
  ];
}
