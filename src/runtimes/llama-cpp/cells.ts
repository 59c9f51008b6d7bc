import { padTo } from "../pad.ts";
import type { LlamaCppSettings } from "./settings.ts";

/** How many tokens the caches of a context hold. */
export type Cells = {
  /** Cells of a full cache, per stream. */
  readonly full: number;
  /** Caches kept side by side: one per sequence, or one for all when unified. */
  readonly streams: number;
  /** Tokens of one physical batch, after the engine's own clamping. */
  readonly microBatch: number;
  /** Cells of a sliding-window cache, per stream. */
  sliding(windowTokens: number): number;
};

/**
 * n_ctx, n_ctx_seq and n_ubatch as `llama_context` derives them (llama.cpp 0.5.0, `src/llama-context.cpp:244-305`), and
 * the sliding cache of `src/llama-kv-cache-iswa.cpp:62-73`.
 */
export function cellsOf(settings: LlamaCppSettings, causal: boolean): Cells {
  const { contextTokens, sequences, unifiedCache, batchTokens, microBatchTokens, fullSlidingWindowCache } = settings;
  const context = padTo(contextTokens, CELL_GRANULARITY);
  const full = unifiedCache ? context : padTo(Math.floor(context / sequences), CELL_GRANULARITY);
  const batch = causal ? Math.min(contextTokens, batchTokens) : batchTokens;
  const microBatch = Math.min(batch, microBatchTokens);
  return {
    full,
    streams: unifiedCache ? 1 : sequences,
    microBatch,
    sliding: (windowTokens) =>
      fullSlidingWindowCache
        ? full
        : padTo(Math.min(full, windowTokens * (unifiedCache ? sequences : 1) + microBatch), CELL_GRANULARITY),
  };
}

const CELL_GRANULARITY = 256;
