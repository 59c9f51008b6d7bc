import type { Model } from "../model/model.ts";
import type { MemoryEstimate } from "./estimate.ts";
import { estimateMemory, estimateUnlessRefused } from "./estimate-memory.ts";
import { fitDevices, weighedDevices } from "./fit.ts";
import type { Workload } from "./workload.ts";

/**
 * The largest `contextTokens`, up to the trained context, at which every device of known capacity still fits by its
 * high bound. Null when none does, or when the cache is not known. Tokens are tried in steps of 256, llama.cpp's own
 * granularity, except below 256, and the context of the workload. One that the engine refuses does not fit; where it refuses
 * the workload itself, that is thrown.
 *
 * @example
 * ```ts
 * import { inspectModel, largestContext } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const devices = [{ name: "GPU0", kind: "cuda", memoryBytes: 1024 ** 3 } as const];
 * const tokens = largestContext(model, { runtime: "llama.cpp", devices });
 * ```
 */
export function largestContext(model: Model, workload: Workload): number | null {
  const holds = (estimate: MemoryEstimate) => {
    const fit = fitDevices(estimate, weighedDevices(estimate));
    return fit.length > 0 && fit.every((device) => device.verdict === "fits");
  };
  const fits = (contextTokens: number) => {
    const estimate = estimateUnlessRefused(model, { ...workload, contextTokens });
    return estimate !== undefined && holds(estimate);
  };
  const trained = model.trainedContext ?? workload.contextTokens;
  if (trained === undefined) return null;
  // What the engine refuses is thrown for the workload itself; at another context it does not fit.
  const isHeld = holds(estimateMemory(model, workload));
  if (fits(trained)) return trained;
  // Memory hardly ever shrinks as the context grows (best fit may place a graph better): what fits is taken for a prefix.
  let below = 0;
  let above = Math.ceil(trained / STEP_TOKENS);
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (fits(middle * STEP_TOKENS)) below = middle;
    else above = middle;
  }
  const asked = isHeld ? (workload.contextTokens ?? 0) : 0;
  const largest = Math.max(below * STEP_TOKENS, asked <= trained ? asked : 0);
  return largest === 0 ? null : largest;
}

const STEP_TOKENS = 256;
