import type { GraphContext } from "../context.ts";
import { copyTo, over } from "../ops/elementwise.ts";
import { getRows } from "../ops/products.ts";
import { reshape, view } from "../ops/shapes.ts";
import { type GraphTensor, I32, inputTensor } from "../tensor.ts";

/** Rows of the states: those the sequences of the batch start from, and those that are only moved (`llm_graph_input_rs`). */
export type StateRows = { readonly main: GraphTensor; readonly extra: GraphTensor };

/** How states `[elements, rows]` are read; default: their rows are copied. */
type StateReader = (states: GraphTensor, rows: GraphTensor) => GraphTensor;

/** Which rows of the states are read, as of a context whose states are all in use (`build_rs_inp_impl`). */
export function stateRows(g: GraphContext): StateRows {
  const held = g.subject.settings.sequences;
  const rows = inputTensor(I32, [held]);
  return { main: view(rows, [g.sequences]), extra: view(rows, [held - g.sequences]) };
}

/**
 * The states of the sequences, `[elements, sequences]` or what `read` makes of them; one state is cleared before, and those
 * of other sequences are moved after (`build_rs`).
 */
export function readStates(
  g: GraphContext,
  rows: StateRows,
  state: GraphTensor,
  read: StateReader = getRows,
): GraphTensor {
  const [elements, held] = state.ne;
  const states = reshape(state, elements, held);
  g.expand(over("SCALE", view(states, [elements])));
  const current = g.expand(read(states, rows.main));
  const moved = getRows(states, rows.extra);
  g.expand(copyTo(moved, view(state, [elements, rows.extra.ne[0]], [state.nb[1]])));
  return current;
}

/** States of each sequence that one batch writes: the last one, and those that can be gone back to. */
export function writtenStates(g: GraphContext): number {
  return Math.min(g.tokens / g.sequences, g.caches.statesKept);
}

/**
 * Writes the last columns of a convolution's input, `[past + tokens, channels, sequences]`, to its state, and those one
 * token earlier each time to the rows of states that can be gone back to.
 */
export function keepColumns(
  g: GraphContext,
  state: GraphTensor,
  joined: GraphTensor,
  columns: number,
  written: number,
): void {
  for (let back = 0; back < written; back++) {
    const target = view(state, [columns * joined.ne[1], joined.ne[2]], [state.nb[1]]);
    g.expand(copyTo(lastColumns(joined, columns), target));
  }
}

/** The same of a state that cannot be gone back to, in one piece. */
export function keepLastColumns(g: GraphContext, state: GraphTensor, joined: GraphTensor, columns: number): void {
  const last = lastColumns(joined, columns);
  g.expand(copyTo(last, view(state, [last.elements])));
}

function lastColumns(joined: GraphTensor, columns: number): GraphTensor {
  return view(joined, [columns, joined.ne[1], joined.ne[2]], [joined.nb[1], joined.nb[2]]);
}

/** Tokens of each sequence apart: `[size, tokens]` to `[size, tokens of one, sequences]`. */
export function bySequence(g: GraphContext, x: GraphTensor): GraphTensor {
  return reshape(x, x.ne[0], g.tokens / g.sequences, g.sequences);
}

/** The tokens of all sequences in one run again. */
export function byToken(g: GraphContext, x: GraphTensor): GraphTensor {
  return reshape(x, x.ne[0], g.tokens);
}
