import type { Device } from "./device.ts";
import type { MemoryEstimate } from "./estimate.ts";
import { usableBytes } from "./mlx/wired-limit.ts";

/**
 * Whether one device holds what a runtime puts on it. `spareBytes` is negative when it does not.
 *
 * @example
 * ```ts
 * import type { DeviceFit } from "weighin";
 *
 * const describe = (fit: DeviceFit): string => `${fit.device}: ${fit.verdict}, ${fit.spareBytes} bytes to spare`;
 * ```
 */
export type DeviceFit = {
  readonly device: string;
  /** The device's memory; for MLX on Metal what macOS surely lets the GPU wire of it. */
  readonly capacityBytes: number;
  /** `fits`: even the high bound does. `too-large`: even the low bound does not. `close`: in between, or not known. */
  readonly verdict: "fits" | "too-large" | "close";
  /** Capacity less the total; less the low bound when the total is not known. */
  readonly spareBytes: number;
};

/**
 * Holds every device of known capacity against the estimate.
 *
 * @example
 * ```ts
 * import { estimateMemory, fitDevices, inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const devices = [{ name: "GPU0", kind: "cuda", memoryBytes: 24 * 1024 ** 3 } as const];
 * const memory = estimateMemory(model, { runtime: "llama.cpp", contextTokens: 4096, devices });
 * console.log(fitDevices(memory, devices)[0]?.verdict); // fits
 * ```
 */
export function fitDevices(estimate: MemoryEstimate, devices: readonly Device[]): DeviceFit[] {
  return devices.flatMap((device) => {
    const use = estimate.devices.find((candidate) => candidate.name === device.name);
    const usable = usableBytes(estimate.runtime, device);
    if (use === undefined || usable === undefined) return [];
    const { sure, most } = usable;
    const verdict = use.low > most ? "too-large" : use.high !== null && use.high <= sure ? "fits" : "close";
    return [{ device: device.name, capacityBytes: sure, verdict, spareBytes: sure - (use.total ?? use.low) }];
  });
}
