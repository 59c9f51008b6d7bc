import { padTo } from "../pad.ts";
import type { Calls } from "./calls.ts";

/** Tokens that a cache has room for after the last pass, and at most while the passes ran. */
export type Cells = { readonly held: number; readonly most: number };

/** Caches grow by multiples of it (`cache.py`, `step`). */
const STEP_TOKENS = 256;

/**
 * `KVCache` and its quantized kind: where the new tokens do not fit, what is filled and room for them in whole steps. What
 * is not filled is only cut off where what is filled is not whole steps itself.
 */
export function growingCells(calls: readonly Calls[]): Cells {
  let [filled, cells] = [0, 0];
  for (const { tokens, times } of calls) {
    for (let left = times; left > 0; ) {
      const fitting = Math.min(left, Math.floor((cells - filled) / tokens));
      if (fitting === 0) cells = (filled % STEP_TOKENS === 0 ? cells : filled) + padTo(tokens, STEP_TOKENS);
      filled += Math.max(1, fitting) * tokens;
      left -= Math.max(1, fitting);
    }
  }
  return { held: cells, most: cells };
}

/**
 * `RotatingKVCache`: several tokens at once are put behind the last `window - 1` of those before them; one token overwrites
 * the oldest of `window`, and until there are as many the cache grows in steps. `kept` tokens at the start stay.
 */
export function rotatingCells(calls: readonly Calls[], window: number, kept: number): Cells {
  let [seen, cells, most] = [0, 0, 0];
  for (const { tokens, times } of calls) {
    seen += tokens * times;
    if (tokens === 1) {
      const grown = cells + padTo(Math.max(0, seen - cells), STEP_TOKENS);
      cells = Math.min(window, grown);
    } else {
      const before = cells + (times - 1) * tokens;
      cells = (before < window ? before : Math.max(window - 1, kept)) + tokens;
    }
    most = Math.max(most, cells);
  }
  return { held: cells, most };
}

/** `ChunkedKVCache`: grows in steps, and is cut to the last `chunk` tokens before a pass where it has more. */
export function chunkedCells(calls: readonly Calls[], chunk: number): Cells {
  let [filled, cells, most] = [0, 0, 0];
  for (const { tokens, times } of calls) {
    for (let left = times; left > 0; ) {
      const cut = filled > chunk;
      if (cut) filled = cells = chunk;
      const uncut = Math.floor((chunk - filled) / tokens) + 1;
      const fitting = Math.min(left, uncut, Math.floor((cells - filled) / tokens));
      if (fitting === 0) cells = (filled % STEP_TOKENS === 0 ? cells : filled) + padTo(tokens, STEP_TOKENS);
      filled += Math.max(1, fitting) * tokens;
      // After a cut every pass over as many tokens ends alike.
      left = cut ? 0 : left - Math.max(1, fitting);
      most = Math.max(most, cells);
    }
  }
  return { held: cells, most };
}
