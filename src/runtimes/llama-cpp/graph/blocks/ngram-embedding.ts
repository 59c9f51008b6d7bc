import type { GraphContext } from "../context.ts";
import { add, cast, clamp, mul, scale, sqrt, sumRows, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import { cont, repeat, reshape, transpose, view } from "../ops/shapes.ts";
import { F32, type GraphTensor, I32, inputTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { afterHistory } from "./delta-net.ts";
import { normedStreams } from "./gated-streams.ts";
import type { StateRows } from "./recurrent-state.ts";

/** Rows that each token and those before it hash to, side by side, `[hidden, tokens]` (`build_inp_ple`). */
export function ngramEmbeddings(g: GraphContext): GraphTensor {
  const { hp, tokens } = g;
  const heads = (hp.number("ple.ngram_size", 0) - 1) * hp.number("ple.heads_per_ngram", 0);
  const rows = getRows(g.weights.get("per_layer_token_embd.weight"), inputTensor(I32, [heads * tokens]));
  return reshape(rows, hp.number("embedding_length_per_layer_input", 0) * heads, tokens);
}

/** The streams with what the n-grams say added: gated by how well it answers each, and convolved (`build_ple`). */
export function withNgrams(
  g: GraphContext,
  rows: StateRows,
  block: BlockWeights,
  streams: GraphTensor,
  embedded: GraphTensor,
): GraphTensor {
  const [hidden, count, tokens] = streams.ne;
  const apart = (x: GraphTensor): GraphTensor => reshape(x, hidden, count, tokens);
  const factors = (name: string): GraphTensor => block.shaped(`ple_norm_${name}`, hidden, count);
  const keys = normedStreams(apart(mulMat(block.need("ple_key"), embedded)), factors("key"));
  const queries = normedStreams(apart(streams), factors("query"));
  const answers = scale(sumRows(mul(keys, queries)));
  const gate = unary(mul(unary(answers), sqrt(clamp(unary(answers)))));
  const value = reshape(mulMat(block.need("ple_value"), embedded), hidden, 1, tokens);
  const gated = mul(repeat(value, hidden, count, tokens, 1), gate);
  const flat = reshape(gated, hidden * count, tokens);
  const normed = reshape(normedStreams(apart(flat), factors("conv")), hidden * count, tokens);
  return add(streams, add(gated, apart(cont(convolved(g, rows, block, normed)))));
}

/** A causal convolution of each channel over tokens that lie an n-gram apart, tap by tap. */
function convolved(g: GraphContext, rows: StateRows, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { sequences } = g;
  const tokens = g.tokens / sequences;
  const [width] = x.ne;
  const bySequence = reshape(x, width, tokens, sequences);
  const joined = afterHistory(g, rows, g.caches.state(block.index, "ngram"), bySequence, { isCopied: true });
  const kernels = block.need("ple_conv1d");
  const tap = (): GraphTensor => {
    const shifted = cont(transpose(view(joined, [tokens, width, sequences], [joined.nb[1], joined.nb[2]])));
    const weights = reshape(cont(view(kernels, [1, width], [kernels.nb[1]])), width);
    return mul(shifted, weights.type === F32 ? weights : cast(weights, F32));
  };
  let sum = tap();
  for (let other = 1; other < g.hp.number("ple.conv_kernel", 0); other++) sum = add(sum, tap());
  return unary(sum);
}
