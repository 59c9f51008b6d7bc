import type { GraphContext } from "../context.ts";
import { add, mul, rmsNorm, scale, unary } from "../ops/elementwise.ts";
import { mixStreams, spreadOverStreams } from "../ops/hyper-connections.ts";
import { mulMat } from "../ops/products.ts";
import { cont, reshape, view } from "../ops/shapes.ts";
import { type GraphTensor, rowBytes } from "../tensor.ts";
import { streamsOf } from "./hyper-connections.ts";

/** The factors of a norm and the two matrices of low rank that gate the streams before a part of a block. */
export type StreamMixer = {
  readonly norm: GraphTensor;
  readonly down: GraphTensor;
  readonly up: GraphTensor;
};

/** Each stream normed by itself. */
export function normedStreams(streams: GraphTensor, weight: GraphTensor): GraphTensor {
  return mul(rmsNorm(streams), weight);
}

/**
 * The mean of the streams, each normed and gated by a matrix of low rank, `[hidden, tokens]`; with it the normed streams in
 * one row (`build_hc_mix`). Without a layer (-1) the engine does it in steps.
 */
export function mixedStreams(
  g: GraphContext,
  streams: GraphTensor,
  mixer: StreamMixer,
  layer: number,
): { readonly mixed: GraphTensor; readonly normed: GraphTensor } {
  const [hidden, count, tokens] = streams.ne;
  const normed = reshape(normedStreams(streams, mixer.norm), hidden * count, tokens);
  const gate = mulMat(mixer.up, unary(scale(mulMat(mixer.down, normed))));
  const apart = (x: GraphTensor): GraphTensor => reshape(x, hidden, count, tokens);
  if (g.fused.hyperPre && layer >= 0) {
    return { mixed: g.fusedNode("hyperPre", layer, mixStreams(apart(normed), apart(gate))), normed };
  }
  const gated = apart(mul(normed, unary(gate)));
  const each = (): GraphTensor => view(gated, [hidden, tokens], [rowBytes(gated.type, hidden) * count]);
  let sum = cont(each());
  for (let stream = 1; stream < count; stream++) sum = add(sum, each());
  return { mixed: scale(sum), normed };
}

/** The streams with a block's result added, to each as much as `injected` says (`build_hc_combine`). */
export function withResult(
  g: GraphContext,
  streams: GraphTensor,
  result: GraphTensor,
  injected: GraphTensor,
  layer: number,
): GraphTensor {
  const [, count, tokens] = streams.ne;
  const weights = scale(unary(scale(injected)));
  if (g.fused.hyperPost) return g.fusedNode("hyperPost", layer, spreadOverStreams(result, streams, weights));
  return add(streams, mul(streamsOf(result, count), reshape(weights, 1, count, tokens)));
}
