import type { CommonWorkload } from "../common-workload.ts";

/**
 * What TensorRT-LLM is asked to do.
 *
 * @example
 * ```ts
 * import type { TensorrtLlmWorkload } from "weighin";
 *
 * const workload: TensorrtLlmWorkload = { runtime: "tensorrt-llm", contextTokens: 4096 };
 * ```
 */
export type TensorrtLlmWorkload = CommonWorkload & {
  readonly runtime: "tensorrt-llm";
};
