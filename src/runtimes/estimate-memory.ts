import { InspectError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import type { MemoryEstimate } from "./estimate.ts";
import { estimateLlamaCpp } from "./llama-cpp/estimate.ts";
import { runtimesFor } from "./runtimes-for.ts";
import { estimateTransformers } from "./transformers/estimate.ts";
import type { Workload } from "./workload.ts";

/**
 * What a runtime allocates for a model and a workload: pure arithmetic, no reading, so a hundred contexts can be
 * asked of one model. All sizes are bytes.
 *
 * Throws `unsupported-runtime` when the runtime cannot load the model's format (the message names those that can),
 * `invalid-option` for an option that is unknown or of the wrong kind, and `unsupported-option` for a combination
 * the engine itself refuses. The rules and their sources are in `docs/formulas.md`.
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
  const able = runtimesFor(model);
  const { runtime } = workload;
  if (runtime !== "llama.cpp" && runtime !== "transformers") {
    throw new InspectError(
      "unsupported-runtime",
      `there is no runtime ${JSON.stringify(runtime)} here; there are: llama.cpp, transformers`,
      { key: "runtime" },
    );
  }
  if (!able.includes(runtime)) {
    throw new InspectError(
      "unsupported-runtime",
      `${runtime} does not load ${model.format} files; ${able.join(", ")} does`,
      { key: "runtime" },
    );
  }
  return workload.runtime === "llama.cpp" ? estimateLlamaCpp(model, workload) : estimateTransformers(model, workload);
}
