import type { CommonWorkload } from "../common-workload.ts";

/**
 * What PyTorch transformers is asked to do.
 *
 * @example
 * ```ts
 * import type { TransformersWorkload } from "weighin";
 *
 * const workload: TransformersWorkload = { runtime: "transformers", contextTokens: 4096, cache: "static" };
 * ```
 */
export type TransformersWorkload = CommonWorkload & {
  readonly runtime: "transformers";
  /**
   * Tokens that an encoder makes of its input, where a model has an encoder before its decoder and does not fix their
   * number (T5, BART; not Whisper). Its decoder then holds `contextTokens` beside them. Default: `contextTokens`.
   */
  readonly promptTokens?: number;
  /** `auto`: as stored (the default). Otherwise floating-point weights and the cache are converted. */
  readonly dtype?: "auto" | "float32" | "float16" | "bfloat16";
  /** `dynamic` (the default) grows with the tokens; `static` is allocated at its full length. */
  readonly cache?: "dynamic" | "static";
  /** Version of transformers, e.g. `"5.14.1"`. Default: the one whose source the rules were read from. */
  readonly version?: string;
};
