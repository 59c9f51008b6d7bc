import type { Device } from "./device.ts";
import type { MemoryItem } from "./estimate.ts";
import { measuredItem } from "./measured-item.ts";

const CONTEXT = { typical: 0.5, low: 0.25, high: 1.7 };

/** Context, libraries and workspaces of PyTorch on a CUDA device, from published measurements. */
export function contextItems({ kind, name }: Device): MemoryItem[] {
  const source = "pytorch issues 107667, 55277; InvokeAI issue 9413";
  return kind === "cuda" ? [measuredItem(name, "CUDA context and libraries", CONTEXT, source)] : [];
}
