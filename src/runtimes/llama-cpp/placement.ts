import type { Device } from "../workload.ts";

/** Where things go: one device takes the layers and the output, the host keeps the input tensors. */
export type Placement = {
  /** Device of the layers, their caches and the output matrix. */
  readonly main: Device;
  /** Device of the token embedding and the host buffers; the same as `main` without a GPU. */
  readonly host: Device;
};

/** Full offload to the one GPU, as `n_gpu_layers` unset does; without one, everything on the CPU. */
export function placeOn(devices: readonly Device[]): Placement {
  const host = devices.find((device) => device.kind === "cpu") ?? { name: "CPU", kind: "cpu" };
  return { main: devices.find((device) => device.kind !== "cpu") ?? host, host };
}

/** Alignment of tensors in a buffer of this kind: `ggml/src/ggml-impl.h:44`, `ggml-cuda.cu:902-925`. */
export function alignmentOf(device: Device): number {
  return device.kind === "cuda" ? 128 : 32;
}
