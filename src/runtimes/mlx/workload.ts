import type { CommonWorkload } from "../common-workload.ts";

/**
 * What MLX (mlx-lm) is asked to do.
 *
 * @example
 * ```ts
 * import type { MlxWorkload } from "weighin";
 *
 * const workload: MlxWorkload = { runtime: "mlx", contextTokens: 4096 };
 * ```
 */
export type MlxWorkload = CommonWorkload & {
  readonly runtime: "mlx";
};
