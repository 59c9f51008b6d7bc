import type { LlamaCppWorkload } from "./llama-cpp/workload.ts";
import type { MlxWorkload } from "./mlx/workload.ts";
import type { TensorrtLlmWorkload } from "./tensorrt-llm/workload.ts";
import type { TrainingWorkload } from "./training/workload.ts";
import type { TransformersWorkload } from "./transformers/workload.ts";
import type { VllmWorkload } from "./vllm/workload.ts";

/** The workload of each runtime, by its name. */
export type WorkloadOf = {
  readonly "llama.cpp": LlamaCppWorkload;
  readonly transformers: TransformersWorkload;
  readonly vllm: VllmWorkload;
  readonly "tensorrt-llm": TensorrtLlmWorkload;
  readonly mlx: MlxWorkload;
  readonly training: TrainingWorkload;
};

/**
 * What the runtime is asked to do. Every field but `runtime` has a default, returned filled in by the estimate.
 *
 * @example
 * ```ts
 * import type { Workload } from "weighin";
 *
 * const workloads: readonly Workload[] = [4096, 8192].map((contextTokens) => ({ runtime: "llama.cpp", contextTokens }));
 * ```
 */
export type Workload = WorkloadOf[RuntimeName];

/**
 * Names of the runtimes that can be asked.
 *
 * @example
 * ```ts
 * import type { RuntimeName } from "weighin";
 *
 * const runtime: RuntimeName = "transformers";
 * ```
 */
export type RuntimeName = keyof WorkloadOf;
