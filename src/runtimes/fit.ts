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
  /**
   * `fits`: even the high bound does. `too-large`: even the low bound does not. `close`: in between, or not known. Of a runtime
   * that serves from a pool also whether the pool holds the sequences of the workload.
   */
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
    const memory = use.low > most ? "too-large" : use.high !== null && use.high <= sure ? "fits" : "close";
    const pool = poolFit(estimate);
    return [
      {
        device: device.name,
        capacityBytes: sure,
        verdict: worse(memory, pool.verdict),
        spareBytes: Math.min(sure - (use.total ?? use.low), pool.spareBytes),
      },
    ];
  });
}

/**
 * Whether a pool holds the sequences of the workload at once, by the low bound of what it holds and by the high one; what it lacks
 * counts as bytes that the device lacks. A pool is made to fit its device, so it is this that the device can fail.
 */
function poolFit({ capacity, workload, diagnostics }: MemoryEstimate): Pick<DeviceFit, "verdict" | "spareBytes"> {
  if (capacity === undefined) return { verdict: "fits", spareBytes: Number.POSITIVE_INFINITY };
  const { concurrency, low = concurrency, high = concurrency, certainty, poolBytes } = capacity;
  const requests = Number(workload["sequences"] ?? 1) / Number(workload["dataParallel"] ?? 1);
  const refused = diagnostics.some(({ code }) => code === "does-not-start");
  if (!refused && low >= requests) return { verdict: "fits", spareBytes: Number.POSITIVE_INFINITY };
  const sure = high < requests || (refused && certainty !== "estimate");
  const missing = concurrency > 0 ? Math.ceil(poolBytes * Math.max(0, requests / concurrency - 1)) : 0;
  return { verdict: sure ? "too-large" : "close", spareBytes: -missing };
}

const FROM_BEST: readonly DeviceFit["verdict"][] = ["fits", "close", "too-large"];

function worse(one: DeviceFit["verdict"], other: DeviceFit["verdict"]): DeviceFit["verdict"] {
  return FROM_BEST.indexOf(one) > FROM_BEST.indexOf(other) ? one : other;
}

/** The devices an estimate was made for: one for each rank, where a runtime splits a model. */
export function weighedDevices({ workload }: MemoryEstimate): readonly Device[] {
  const devices: unknown = workload["devices"];
  return Array.isArray(devices) ? (devices as readonly Device[]) : [];
}
