import type { AttentionWindow } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import { padTo } from "../pad.ts";
import { LOOKS_BOTH_WAYS } from "./engine-facts.ts";
import type { LlamaCppSettings } from "./settings.ts";

/** Tokens that one kind of cache holds. */
export type CellPool = {
  /** Cells of a full cache, per stream. */
  readonly full: number;
  /** Caches kept side by side: one per sequence, or one for all when unified. */
  readonly streams: number;
  /** Cells of a cache that is seen through a window, per stream. */
  held(window: AttentionWindow): number;
};

/** How many tokens the caches of a context hold. */
export type Cells = CellPool & {
  /** Tokens of one logical and of one physical batch, after the engine's own clamping. */
  readonly batch: number;
  readonly microBatch: number;
  /** The same for caches that are never unified. */
  readonly perSequence: CellPool;
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
  const pool = (unified: boolean): CellPool => ({
    full,
    streams: unified ? 1 : sequences,
    held: (window) =>
      window.kind === "none" || fullSlidingWindowCache
        ? full
        : padTo(Math.min(full, window.tokens * (unified ? sequences : 1) + microBatch), CELL_GRANULARITY),
  });
  return { ...pool(unifiedCache), batch, microBatch, perSequence: pool(false) };
}

/**
 * With causal attention a batch is no larger than the context. The engine takes an encoder for causal where its file does not
 * say otherwise (`attention.causal`).
 */
export function batchFitsContext({ architecture, format, causal, metadata }: Model): boolean {
  const name = architecture ?? "";
  if (format !== "gguf") return causal;
  return !LOOKS_BOTH_WAYS.has(name) && metadata[`${name}.attention.causal`] !== false;
}

/** Cells of a cache whose rows stand for `ratio` tokens each (llama.cpp 0.5.0, `src/llama-kv-cache-dsv4.cpp:1278`). */
export function compressedCells(full: number, ratio: number): number {
  return padTo(Math.max(1, Math.ceil(full / ratio)), CELL_GRANULARITY);
}

const CELL_GRANULARITY = 256;
