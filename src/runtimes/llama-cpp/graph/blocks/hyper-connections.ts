import type { GraphContext } from "../context.ts";
import { add, cast, div, filled, mul, rmsNorm, scale, softMax, sumRows, unary } from "../ops/elementwise.ts";
import { combinationOfStreams, mixStreams, spreadOverStreams } from "../ops/hyper-connections.ts";
import { getRows, mulMat } from "../ops/products.ts";
import { concat, cont, permute, repeat, reshape, view } from "../ops/shapes.ts";
import { F32, type GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/* The residual as several streams, `[hidden, streams, tokens]`, of which each part of a block reads and writes a mixture. */

/** What a part of a block reads, and how much of what it gives goes into each stream. */
type Mixed = { readonly x: GraphTensor; readonly shares: GraphTensor };

/** The same, and how much of each stream goes into each. */
type Combined = Mixed & { readonly combination: GraphTensor };

/** The three tensors of one place where streams are mixed. */
type MixWeights = { readonly matrix: GraphTensor; readonly scales: GraphTensor; readonly base: GraphTensor };

/** Streams of the residual (`hyper_connection.count`). */
export function streamCount({ hp }: GraphContext): number {
  return hp.count("hyper_connection.count");
}

/** The hidden states `[hidden, tokens]`, once for each stream: `[hidden, streams, tokens]`. */
export function streamsOf(x: GraphTensor, count: number): GraphTensor {
  const [hidden, tokens] = x.ne;
  return repeat(reshape(x, hidden, 1, tokens), hidden, count, tokens, 1);
}

/** The streams of the tokens that are put out. */
export function putOutStreams(g: GraphContext, streams: GraphTensor): GraphTensor {
  const [hidden, count, tokens] = streams.ne;
  return reshape(getRows(reshape(streams, hidden * count, tokens), g.outputRows()), hidden, count, g.outputs);
}

/** One stream out of all at the end of the model (`build_hc_head`). */
export function mixHead(g: GraphContext, streams: GraphTensor, inFloat = false): GraphTensor {
  const named = (part: string): GraphTensor => g.weights.get(`output_hc_${part}.weight`);
  const shares = scale(gate(mixesOf(streams, named("fn")), named("scale"), named("base")));
  return inFloat ? cast(summed(cast(streams, F32), shares), streams.type) : summed(streams, shares);
}

/** What a part of a block reads, with streams that go through it and are not combined (`src/models/hy-v4.cpp`). */
export function mixIndependent(
  g: GraphContext,
  block: BlockWeights,
  part: "attn" | "ffn",
  streams: GraphTensor,
): Mixed {
  const { matrix, scales, base } = mixWeights(block, part);
  const count = streamCount(g);
  const mixes = mixesOf(streams, matrix);
  const pre = scale(gate(rowsOf(mixes, count), view(scales, [1]), view(base, [count])));
  const shares = scale(scale(gate(rowsOf(mixes, count), view(scales, [1]), view(base, [count]))));
  return { x: cast(summed(cast(streams, F32), pre), streams.type), shares };
}

/** Adds to every stream its share of what the part gave, all in 32 bits. */
export function spreadIndependent(x: GraphTensor, streams: GraphTensor, { shares }: Mixed): GraphTensor {
  const [wideX, wideShares, wideStreams] = [cast(x, F32), cast(shares, F32), cast(streams, F32)];
  const parts = Array.from({ length: streams.ne[1] }, () =>
    add(streamOf(wideStreams), mul(wideX, shareOf(wideShares, wideShares.nb[1]))),
  );
  return cast(beside(parts), streams.type);
}

/** What a part of a block reads, with streams that are combined by a doubly stochastic matrix (`src/models/deepseek4.cpp`). */
export function mixCombined(
  g: GraphContext,
  block: BlockWeights,
  part: "attn" | "ffn",
  streams: GraphTensor,
): Combined {
  const weights = mixWeights(block, part);
  const { matrix, scales, base } = weights;
  const count = streamCount(g);
  const mixes = mixesOf(streams, matrix);
  const pre = scale(gate(rowsOf(mixes, count), view(scales, [1]), view(base, [count])));
  const shares = scale(gate(rowsOf(mixes, count), view(scales, [1]), view(base, [count])));
  const combination = g.fused.hyperCombine
    ? g.fusedNode("hyperCombine", block.index, combinationOfStreams(mixes, scales, base))
    : balanced(g, mixes, weights);
  const x = g.fused.hyperPre ? g.fusedNode("hyperPre", block.index, mixStreams(streams, pre)) : summed(streams, pre);
  return { x, shares, combination };
}

/** Combines the streams, and adds to each its share of what the part gave. */
export function spreadCombined(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  streams: GraphTensor,
  { shares, combination }: Combined,
): GraphTensor {
  if (g.fused.hyperPost) {
    return g.fusedNode("hyperPost", block.index, spreadOverStreams(x, streams, shares, combination));
  }
  const [, count] = streams.ne;
  const parts = Array.from({ length: count }, () => {
    let sum = mul(x, shareOf(shares, shares.nb[1]));
    for (let other = 0; other < count; other++)
      sum = add(sum, mul(streamOf(streams), shareOf(combination, combination.nb[2])));
    return sum;
  });
  return beside(parts);
}

function mixWeights(block: BlockWeights, part: "attn" | "ffn"): MixWeights {
  const named = (name: string): GraphTensor => block.need(`hc_${part}_${name}`);
  return { matrix: named("fn"), scales: named("scale"), base: named("base") };
}

/** Numbers of each token that say how streams are mixed: a product with all its streams in one row, normed. */
function mixesOf(streams: GraphTensor, matrix: GraphTensor): GraphTensor {
  return mulMat(matrix, rmsNorm(reshape(streams, streams.ne[0] * streams.ne[1], streams.ne[2])));
}

function gate(mixes: GraphTensor, scales: GraphTensor, base: GraphTensor): GraphTensor {
  return unary(add(mul(mixes, scales), base));
}

/** Some of the numbers of each token. */
function rowsOf(mixes: GraphTensor, count: number): GraphTensor {
  return view(mixes, [count, mixes.ne[1]], [mixes.nb[1]]);
}

function streamOf(streams: GraphTensor): GraphTensor {
  return view(streams, [streams.ne[0], streams.ne[2]], [streams.nb[2]]);
}

/** One number of each token. */
function shareOf(shares: GraphTensor, stride: number): GraphTensor {
  return view(shares, [1, shares.ne[2] === 1 ? shares.ne[1] : shares.ne[2]], [stride]);
}

/** All streams times their shares, added. */
function summed(streams: GraphTensor, shares: GraphTensor): GraphTensor {
  const parts = Array.from({ length: streams.ne[1] }, () => mul(streamOf(streams), shareOf(shares, shares.nb[1])));
  return parts.reduce((sum, part) => add(sum, part));
}

/** Streams one beside the other. */
function beside(parts: readonly GraphTensor[]): GraphTensor {
  return parts.map((part) => reshape(part, part.ne[0], 1, part.ne[1])).reduce((some, part) => concat(some, part, 1));
}

/** The combination in steps: rows and columns are made to sum to 1 in turn (`build_hc_sinkhorn`). */
function balanced(g: GraphContext, mixes: GraphTensor, { scales, base }: MixWeights): GraphTensor {
  const count = streamCount(g);
  const affine = add(mul(rowsOf(mixes, count * count), view(scales, [1])), view(base, [count * count]));
  const least = filled([1]);
  let y = add(softMax(reshape(affine, count, count, mixes.ne[1])), least);
  const byColumns = (): GraphTensor => div(y, permute(add(sumRows(cont(permute(y, 1, 0, 2, 3))), least), 1, 0, 2, 3));
  y = byColumns();
  for (let round = 1; round < g.hp.number("hyper_connection.sinkhorn_iterations", 0); round++) {
    y = div(y, add(sumRows(y), least));
    y = byColumns();
  }
  return y;
}
