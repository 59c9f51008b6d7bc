import type { GraphContext } from "../context.ts";
import { add, div, mul, scale, sqr, sqrt, sub, sumRows, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { concat, cont, permute, repeat, reshape, transpose, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { normOf } from "./norm.ts";
import { slice } from "./per-layer-embeddings.ts";

/*
 * Alternating updates (AltUp, https://arxiv.org/abs/2301.13310): hidden states in several streams, `[hidden, tokens, streams]`,
 * of which a layer computes one and predicts the others (`src/models/gemma3n.cpp`).
 */

/** Streams made of the embeddings, each as long as they are. */
export function spreadStreams(g: GraphContext, x: GraphTensor): GraphTensor {
  const [hidden, tokens] = x.ne;
  const target = magnitude(x);
  const projection = g.weights.get("altup_proj.weight");
  const others = mulMat(projection, repeat(x, hidden, tokens, projection.ne[2], 1));
  return concat(x, asLongAs(others, target), 2);
}

/** The mean of the streams: `[hidden, tokens]`. */
export function mergeStreams(g: GraphContext, streams: GraphTensor): GraphTensor {
  const target = magnitude(slice(streams));
  const others = asLongAs(mulMat(g.weights.get("altup_unembd_proj.weight"), otherStreams(streams)), target);
  let sum = slice(streams);
  for (let stream = 0; stream < others.ne[2]; stream++) sum = add(sum, slice(others));
  return scale(sum);
}

/** Streams as the router of a layer predicts them. */
export function predictStreams(g: GraphContext, block: BlockWeights, streams: GraphTensor): GraphTensor {
  const count = streams.ne[2];
  const routes = routed(g, block, slice(streams));
  const coefficients = reshape(mulMat(block.need("altup_predict_coef"), routes), count, count, g.tokens);
  const predicted = mulMat(cont(permute(streams, 1, 2, 0, 3)), coefficients);
  return add(cont(permute(predicted, 0, 2, 1, 3)), streams);
}

/** Predictions corrected by what a layer made of the active stream. */
export function correctStreams(
  g: GraphContext,
  block: BlockWeights,
  predictions: GraphTensor,
  activated: GraphTensor,
): GraphTensor {
  const [hidden, tokens, count] = predictions.ne;
  const routes = routed(g, block, activated);
  const innovation = sub(activated, slice(predictions));
  const coefficients = transpose(scale(mulMat(block.need("altup_correct_coef"), routes)));
  const repeated = repeat(innovation, hidden, tokens, count, 1);
  return add(mul(repeated, cont(coefficients, 1, tokens, count)), predictions);
}

/** Adds to all streams but the first. */
export function addToOthers(streams: GraphTensor, x: GraphTensor): GraphTensor {
  return concat(slice(streams), add(otherStreams(streams), x), 2);
}

function routed(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const normed = normOf(g, block, "altup_router_norm", x);
  return unary(mulMat(block.need("altup_router"), scale(normed)));
}

function otherStreams(streams: GraphTensor): GraphTensor {
  const [hidden, tokens, count] = streams.ne;
  return view(streams, [hidden, tokens, count - 1], [streams.nb[1], streams.nb[2]]);
}

function magnitude(x: GraphTensor): GraphTensor {
  return sqrt(sumRows(sqr(x)));
}

function asLongAs(x: GraphTensor, target: GraphTensor): GraphTensor {
  const own = magnitude(x);
  return div(mul(x, target), own);
}
