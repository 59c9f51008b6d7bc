import type { Model } from "../model/model.ts";
import type { RuntimeName } from "./workload.ts";

const GGUF: readonly RuntimeName[] = ["llama.cpp"];
const SAFETENSORS: readonly RuntimeName[] = ["transformers", "vllm", "tensorrt-llm", "mlx", "training"];

/** Weights that mlx-lm has packed in its own layout, which nothing else reads. */
const PACKED_BY_MLX: readonly RuntimeName[] = ["mlx"];

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
  if (model.format === "gguf") return GGUF;
  return model.quantization?.method === "mlx" ? PACKED_BY_MLX : SAFETENSORS;
}
