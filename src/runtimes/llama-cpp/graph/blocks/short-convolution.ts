import type { GraphContext } from "../context.ts";
import { mul } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { convolution } from "../ops/recurrences.ts";
import { concat, cont, pad, reshape, transpose, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { bySequence, byToken, keepColumns, readStates, type StateRows, writtenStates } from "./recurrent-state.ts";

/**
 * A convolution over the last few tokens between two gates: `[hidden, tokens]` to the same (`src/models/lfm2.cpp`,
 * `build_shortconv_block`). A model that looks both ways has as many columns of zeros after its tokens as before.
 */
export function shortConvolution(
  g: GraphContext,
  rows: StateRows,
  block: BlockWeights,
  input: GraphTensor,
): GraphTensor {
  const { hp, sequences } = g;
  const columns = hp.number("shortconv.l_cache", 0) - 1;
  const parts = mulMat(block.need("shortconv.in_proj"), bySequence(g, input));
  const part = (): GraphTensor => view(parts, [parts.ne[0] / 3, parts.ne[1], parts.ne[2]], [parts.nb[1], parts.nb[2]]);
  const gated = transpose(mul(part(), part()));
  const outputGate = part();
  const state = g.caches.state(block.index, "convolution");
  const past = reshape(readStates(g, rows, state), columns, hp.hiddenSize, sequences);
  const { causal } = g.subject.model;
  const joined = causal ? concat(past, gated, 0) : centered(past, gated);
  keepColumns(g, state, joined, columns, causal ? writtenStates(g) : 1);
  const y = mul(outputGate, convolution(joined, block.need("shortconv.conv")));
  return byToken(g, mulMat(block.need("shortconv.out_proj"), y));
}

function centered(past: GraphTensor, x: GraphTensor): GraphTensor {
  const half = Math.floor(past.ne[0] / 2);
  const before = cont(view(past, [half, past.ne[1], past.ne[2]], [past.nb[1], past.nb[2]]));
  return pad(concat(before, x, 0), half);
}
