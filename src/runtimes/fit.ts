import type { Device } from "./device.ts";
import type { MemoryEstimate } from "./estimate.ts";

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
    const capacityBytes = device.memoryBytes;
    if (use === undefined || capacityBytes === undefined) return [];
    const memory =
      use.low > capacityBytes ? "too-large" : use.high !== null && use.high <= capacityBytes ? "fits" : "close";
    const pool = poolFit(estimate);
    return [
      {
        device: device.name,
        capacityBytes,
        verdict: worse(memory, pool.verdict),
        spareBytes: Math.min(capacityBytes - (use.total ?? use.low), pool.spareBytes),
      },
    ];
  });
}

/** A pool of cache has to hold the requests that are asked for, which it may not although the device is not full. */
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
