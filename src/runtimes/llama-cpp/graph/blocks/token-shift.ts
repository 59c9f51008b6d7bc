import type { GraphContext } from "../context.ts";
import { copyTo } from "../ops/elementwise.ts";
import { concat, reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { readStates, type StateRows } from "./recurrent-state.ts";

/** What each part of a layer read of the token before: `[hidden, parts, sequences]` (`build_rwkv_token_shift_load`). */
export function readShift(g: GraphContext, rows: StateRows, { index }: BlockWeights): GraphTensor {
  const last = readStates(g, rows, g.caches.state(index, "shift"));
  return reshape(last, g.hp.hiddenSize, last.ne[0] / g.hp.hiddenSize, g.sequences);
}

/** Writes what each part read of the last token (`build_rwkv_token_shift_store`). */
export function keepShift(g: GraphContext, { index }: BlockWeights, last: GraphTensor): void {
  const state = view(g.caches.state(index, "shift"), [last.ne[0] * last.ne[1] * g.sequences]);
  g.expand(copyTo(view(last, [state.ne[0]]), state));
}

/** One part's row of what {@link readShift} gives. */
export function partOfShift(shift: GraphTensor): GraphTensor {
  return view(shift, [shift.ne[0], 1, shift.ne[2]], [shift.nb[1], shift.nb[2]]);
}

/** Every token's predecessor: `[hidden, tokens, sequences]` to the same. */
export function shifted(before: GraphTensor, x: GraphTensor): GraphTensor {
  return concat(before, view(x, [x.ne[0], x.ne[1] - 1, x.ne[2]], [x.nb[1], x.nb[2]]), 1);
}

/** The last token of each sequence. */
export function lastToken(x: GraphTensor): GraphTensor {
  return view(x, [x.ne[0], 1, x.ne[2]], [x.nb[1], x.nb[2]]);
}
