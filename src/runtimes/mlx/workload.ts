import type { CommonWorkload } from "../common-workload.ts";

/**
 * What MLX (mlx-lm) is asked to do, on the GPU of an Apple chip unless `devices` names another device. Several sequences
 * are prompts of the same length in one batch.
 *
 * @example
 * ```ts
 * import type { MlxWorkload } from "weighin";
 *
 * const workload: MlxWorkload = { runtime: "mlx", contextTokens: 4096, kvBits: 8 };
 * ```
 */
export type MlxWorkload = CommonWorkload & {
  readonly runtime: "mlx";
  /** Tokens of the prompt, of the `contextTokens` that prompt and answer are together. Default, and at most, all of them. */
  readonly promptTokens?: number;
  /** Bits of a cached element, packed in groups. Default: not packed. */
  readonly kvBits?: 1 | 2 | 3 | 4 | 5 | 6 | 8;
  /** Elements of a group, which have a scale and a bias. Default 64. */
  readonly kvGroupSize?: 32 | 64 | 128;
  /** Cached tokens from which on the cache is packed. Default 5000, as `mlx_lm.generate` has it. */
  readonly quantizedKvStart?: number;
  /**
   * Tokens after which old ones are overwritten, where a model does not say itself what it keeps (`make_cache`): others
   * ignore it, llama among them. Default: none.
   */
  readonly maxKvSize?: number;
  /** Tokens of the prompt that are run at once. Default 2048. */
  readonly prefillStepSize?: number;
};
