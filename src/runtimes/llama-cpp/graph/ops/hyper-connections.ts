import { contiguous, F32, type Four, GraphTensor } from "../tensor.ts";

/* Operations on the parallel streams of hyper-connections (llama.cpp 0.5.0 `ggml/src/ggml.c:6457-6620`). */

/** One stream out of all, `[hidden, streams, tokens]` to `[hidden, tokens]`; weights are one for each stream, or gates of every element. */
export function mixStreams(streams: GraphTensor, weights: GraphTensor): GraphTensor {
  const ne: Four = [streams.ne[0], streams.ne[2], 1, 1];
  return new GraphTensor("DSV4_HC_PRE", F32, ne, contiguous(F32, ne), [streams, weights]);
}

/** How much of each stream goes into each, `[streams, streams, tokens]`, out of rows of `(2 + streams) x streams` numbers. */
export function combinationOfStreams(mixes: GraphTensor, scales: GraphTensor, base: GraphTensor): GraphTensor {
  // i x i + 2 x i = width
  const count = Math.round(Math.sqrt(mixes.ne[0] + 1)) - 1;
  const ne: Four = [count, count, mixes.ne[1], 1];
  return new GraphTensor("DSV4_HC_COMB", F32, ne, contiguous(F32, ne), [mixes, scales, base]);
}

/** The streams with what a block gave added to each, `[hidden, streams, tokens]`; combined before where a combination is given. */
export function spreadOverStreams(
  x: GraphTensor,
  streams: GraphTensor,
  weights: GraphTensor,
  combination?: GraphTensor,
): GraphTensor {
  const ne: Four = [x.ne[0], streams.ne[1], x.ne[1], 1];
  const sources = combination === undefined ? [x, streams, weights] : [x, streams, weights, combination];
  return new GraphTensor("DSV4_HC_POST", F32, ne, contiguous(F32, ne), sources);
}
