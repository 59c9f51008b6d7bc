import type { CommonWorkload } from "../common-workload.ts";

/**
 * What vLLM is asked to do.
 *
 * @example
 * ```ts
 * import type { VllmWorkload } from "weighin";
 *
 * const workload: VllmWorkload = { runtime: "vllm", contextTokens: 4096 };
 * ```
 */
export type VllmWorkload = CommonWorkload & {
  readonly runtime: "vllm";
  /** Release of vLLM, e.g. `"0.20.0"`. Default: the one whose source the rules were read from. */
  readonly version?: string;
};
