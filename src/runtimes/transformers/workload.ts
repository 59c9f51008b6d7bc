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
   * Tokens given at once. Default: `contextTokens` less `newTokens`. Of an encoder before a decoder: tokens it makes of its
   * input, where the model does not fix their number (T5, BART; not Whisper); the decoder then holds `contextTokens` beside
   * them. Default there: `contextTokens`.
   */
  readonly promptTokens?: number;
  /**
   * Tokens made after the prompt (`max_new_tokens`). Default: `contextTokens` less `promptTokens` where that is given, else 0:
   * a prompt as long as the context. With `promptTokens`, `contextTokens` is their sum.
   */
  readonly newTokens?: number;
  /** Beams of each sequence (`num_beams`), each with a cache of its own. Default 1. */
  readonly beams?: number;
  /**
   * Attention (`attn_implementation`): one kernel (`sdpa`, `flash`), or scores written out (`eager`). Default: `sdpa`, or
   * `eager` for models that have no other.
   */
  readonly attention?: "sdpa" | "eager" | "flash";
  /** `auto`: as stored (the default). Otherwise floating-point weights and the cache are converted. */
  readonly dtype?: "auto" | "float32" | "float16" | "bfloat16";
  /**
   * `dynamic` (the default) grows with the tokens; `static` is allocated at its full length; `quantized` holds few bits of
   * each element (the backend quanto), for models whose layers all have full attention.
   */
  readonly cache?: "dynamic" | "static" | "quantized";
  /** Bits of a quantized cache (`nbits`): 4 (the default) or 2. */
  readonly cacheBits?: 2 | 4;
  /** Version of transformers, e.g. `"5.14.1"`. Default: the one whose source the rules were read from. */
  readonly version?: string;
};
