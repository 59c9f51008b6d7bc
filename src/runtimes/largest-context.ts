import type { Model } from "../model/model.ts";
import { estimateMemory } from "./estimate-memory.ts";
import { fitDevices, weighedDevices } from "./fit.ts";
import type { Workload } from "./workload.ts";

/**
 * The largest `contextTokens`, up to the trained context, at which every device of known capacity still fits by its
 * high bound. Null when none does, or when the cache is not known. Tokens are tried in steps of 256, llama.cpp's own
 * granularity, except below 256.
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
  const fits = (contextTokens: number) => {
    const estimate = estimateMemory(model, { ...workload, contextTokens });
    const fit = fitDevices(estimate, weighedDevices(estimate));
    return fit.length > 0 && fit.every((device) => device.verdict === "fits");
  };
  const trained = model.trainedContext ?? workload.contextTokens;
  if (trained === undefined) return null;
  if (fits(trained)) return trained;
  // Memory never shrinks as the context grows, so the fitting steps are a prefix.
  let below = 0;
  let above = Math.ceil(trained / STEP_TOKENS);
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (fits(middle * STEP_TOKENS)) below = middle;
    else above = middle;
  }
  return below === 0 ? null : below * STEP_TOKENS;
}

const STEP_TOKENS = 256;
