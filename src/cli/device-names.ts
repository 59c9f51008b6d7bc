import type { Device } from "../runtimes/device.ts";

/** A GPU as llama.cpp names it: by its backend, and its number there. */
export type NamedGpu = { readonly index: number; readonly kind: Exclude<Device["kind"], "cpu"> };

/** ROCm and MUSA are the CUDA backend built for other makers (`ggml-cuda.h`); Metal's devices are MTL0, MTL1, … */
const NAME = /^(CUDA|ROCm|MUSA|GPU|MTL|Metal)(\d{0,4})$/i;

/** Undefined for backends that are not weighed (Vulkan, SYCL), and for what is no device. */
export function namedGpu(name: string): NamedGpu | undefined {
  const [, backend, digits] = NAME.exec(name) ?? [];
  if (backend === undefined) return undefined;
  return { index: Number(digits), kind: /^m(?:tl|etal)$/i.test(backend) ? "metal" : "cuda" };
}

/** The name it has here. */
export function gpuName(index: number): string {
  return `GPU${index}`;
}
