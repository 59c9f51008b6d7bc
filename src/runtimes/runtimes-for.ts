import type { Model } from "../model/model.ts";
import type { RuntimeName } from "./workload.ts";

const RUNTIMES_BY_FORMAT: { readonly [format in Model["format"]]: readonly RuntimeName[] } = {
  gguf: ["llama.cpp"],
  safetensors: ["transformers"],
};

/**
 * Runtimes that can load the model's format, the default first.
 *
 * @example
 * ```ts
 * import { inspectModel, runtimesFor } from "weighin";
 *
 * const model = await inspectModel("fixtures/files/demo.gguf");
 * console.log(runtimesFor(model)[0]); // llama.cpp
 * ```
 */
export function runtimesFor(model: Model): readonly RuntimeName[] {
  return RUNTIMES_BY_FORMAT[model.format];
}
