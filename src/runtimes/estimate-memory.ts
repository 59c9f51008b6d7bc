import { InspectError, isInspectError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import type { MemoryEstimate } from "./estimate.ts";
import { estimateLlamaCpp } from "./llama-cpp/estimate.ts";
import { estimateMlx } from "./mlx/estimate.ts";
import { runtimesFor } from "./runtimes-for.ts";
import { estimateTensorrtLlm } from "./tensorrt-llm/estimate.ts";
import { estimateTraining } from "./training/estimate.ts";
import { estimateTransformers } from "./transformers/estimate.ts";
import { estimateVllm } from "./vllm/estimate.ts";
import type { RuntimeName, Workload, WorkloadOf } from "./workload.ts";

const ESTIMATES: {
  readonly [runtime in RuntimeName]: (model: Model, workload: WorkloadOf[runtime]) => MemoryEstimate;
} = {
  "llama.cpp": estimateLlamaCpp,
  transformers: estimateTransformers,
  vllm: estimateVllm,
  "tensorrt-llm": estimateTensorrtLlm,
  mlx: estimateMlx,
  training: estimateTraining,
};

/**
 * What a runtime allocates for a model and a workload: pure arithmetic, no reading, so a hundred contexts can be
 * asked of one model. All sizes are bytes.
 *
 * Throws `unsupported-runtime` when the runtime cannot load the model's format (the message names those that can),
 * `invalid-option` for an option that is unknown or of the wrong kind, and `unsupported-option` for a combination
 * the engine itself refuses. The rules and their sources are in `docs/formulas.md` and `docs/runtimes/`.
 *
 * @example
 * ```ts
 * import { estimateMemory, inspectModel } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * const memory = estimateMemory(model, { runtime: "llama.cpp", contextTokens: 8192 });
 * console.log(memory.totals.weights, memory.totals.cache, memory.cachePerToken);
 * ```
 */
export function estimateMemory(model: Model, workload: Workload): MemoryEstimate {
  const { runtime } = workload;
  if (!Object.hasOwn(ESTIMATES, runtime)) {
    throw new InspectError(
      "unsupported-runtime",
      `there is no runtime ${JSON.stringify(runtime)} here; there are: ${Object.keys(ESTIMATES).join(", ")}`,
      { key: "runtime" },
    );
  }
  const able = runtimesFor(model);
  if (!able.includes(runtime)) {
    throw new InspectError(
      "unsupported-runtime",
      `${runtime} does not load ${model.format} files; ${able.join(", ")} ${able.length === 1 ? "does" : "do"}`,
      { key: "runtime" },
    );
  }
  // One entry of the table takes the workload of its own name, which the type of the table cannot say of a union.
  const estimate = ESTIMATES[runtime] as (model: Model, workload: Workload) => MemoryEstimate;
  return estimate(model, workload);
}

/** The same, but undefined for a combination that the engine refuses: other contexts than the one asked for may be. */
export function estimateUnlessRefused(model: Model, workload: Workload): MemoryEstimate | undefined {
  try {
    return estimateMemory(model, workload);
  } catch (error) {
    if (isInspectError(error, "unsupported-option")) return undefined;
    throw error;
  }
}
