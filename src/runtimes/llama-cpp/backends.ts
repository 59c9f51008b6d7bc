import type { Device } from "../device.ts";
import type { Backend } from "./backend.ts";
import { alignmentOf, bufferBytes } from "./buffer-bytes.ts";
import { attentionBytes } from "./cuda/attention.ts";
import { keptByCuda } from "./cuda/fusions.ts";
import { isComputedByCuda, offloadsToCuda } from "./cuda/operations.ts";
import type { GraphTensor } from "./graph/tensor.ts";
import { metalBytes } from "./metal/bytes.ts";
import { keptByMetal } from "./metal/fusions.ts";
import { isComputedByMetal, offloadsToMetal } from "./metal/operations.ts";
import { orderedByMetal } from "./metal/order.ts";
import type { Placement } from "./placement.ts";
import type { PlannedBuffer } from "./planner.ts";

type BackendRules = Omit<Backend, "device">;

/** The devices that compute, GPUs first, by the rules of llama.cpp's backend for each. */
export function backendsOf({ gpus, host }: Placement, isMeasured: boolean): Backend[] {
  const rules: Record<Device["kind"], (device: Device) => BackendRules> = {
    cuda: (device) => cudaRules(device, host),
    metal: () => metalRules(isMeasured),
    cpu: () => HOST_RULES,
  };
  return [...gpus, host].map((device) => ({ device, ...rules[device.kind](device) }));
}

/** How tensors lie in the buffers of a device. Metal's `maxBufferLength` is three quarters of the memory it lends to a program. */
export function bufferOf(device: Device): PlannedBuffer {
  const { kind, memoryBytes } = device;
  return {
    alignment: alignmentOf(device),
    ...(kind === "metal" && memoryBytes !== undefined ? { largestPiece: 3 * Math.floor(memoryBytes / 4) } : {}),
    bytesOf: (tensor) => bufferBytes(bytesOn(device, tensor), tensor.type, tensor.ne[0], device),
  };
}

function bytesOn({ kind }: Device, tensor: GraphTensor): number {
  if (kind === "metal") return metalBytes(tensor);
  return kind === "cuda" && tensor.operation === "FLASH_ATTN_EXT" ? attentionBytes(tensor) : tensor.bytes;
}

const HOST_RULES: BackendRules = {
  supports: () => true,
  offloads: () => false,
  keeps: () => [],
  orders: (nodes) => nodes,
};

function cudaRules(device: Device, host: Device): BackendRules {
  return {
    supports: (node) => isWithinReach(node, device, host) && isComputedByCuda(node),
    offloads: offloadsToCuda,
    keeps: keptByCuda,
    orders: (nodes) => nodes,
  };
}

/** A GPU reads no buffer of another. */
function isWithinReach({ sources }: GraphTensor, device: Device, host: Device): boolean {
  for (const { storage } of sources) {
    if (storage !== undefined && storage.device !== device && storage.device !== host) return false;
  }
  return true;
}

function metalRules(isMeasured: boolean): BackendRules {
  return {
    supports: isComputedByMetal,
    offloads: offloadsToMetal,
    keeps: keptByMetal,
    orders: (nodes) => orderedByMetal(nodes, isMeasured),
  };
}
