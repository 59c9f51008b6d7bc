import type { CommonWorkload } from "../common-workload.ts";

/**
 * What PyTorch in training is asked to do.
 *
 * @example
 * ```ts
 * import type { TrainingWorkload } from "weighin";
 *
 * const workload: TrainingWorkload = { runtime: "training", contextTokens: 4096 };
 * ```
 */
export type TrainingWorkload = CommonWorkload & {
  readonly runtime: "training";
};
