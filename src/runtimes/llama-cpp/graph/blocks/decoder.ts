import type { GraphContext, GraphResult } from "../context.ts";
import { scale, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type NormKind, norm } from "./norm.ts";
import { scaled } from "./projection.ts";

/** One layer: hidden states `[hidden, tokens]` to the same; the last one to the tokens that are put out. */
export type Layer = (x: GraphTensor, block: BlockWeights) => GraphTensor;

/** The layers of a decoder, one after the other. */
export function layers(g: GraphContext, x: GraphTensor, layer: Layer): GraphTensor {
  let y = x;
  for (let il = 0; il < g.hp.layerCount; il++) y = layer(y, g.block(il));
  return y;
}

/** In the last layer only the tokens that are put out go on; elsewhere all (`inp_out_ids`). */
export function putOut(g: GraphContext, { index }: BlockWeights, x: GraphTensor): GraphTensor {
  return index === g.hp.layerCount - 1 ? getRows(x, g.outputRows()) : x;
}

export type HeadOptions = {
  readonly kind?: NormKind;
  /** Logits are multiplied with a number (`f_logit_scale`). */
  readonly scaledLogits?: boolean;
  /** Logits are kept within bounds by a tanh (`f_final_logit_softcapping`). */
  readonly cappedLogits?: boolean;
  /** The output matrix has no scale (`output.scale`), or it is not read. */
  readonly unscaled?: boolean;
  /** Hidden states of all tokens go to blocks that predict further ones, as they are before or after the norm. */
  readonly nextHidden?: "before norm" | "after norm";
};

/** The last norm and the output matrix: embedding and logits of the tokens that are put out. */
export function head(g: GraphContext, x: GraphTensor, options: HeadOptions = {}): GraphResult {
  const { kind = "rms", scaledLogits = false, cappedLogits = false, unscaled = false, nextHidden } = options;
  const { weights } = g;
  const last = (y: GraphTensor): GraphTensor =>
    norm(g, y, weights.find("output_norm.weight"), kind, -1, weights.find("output_norm.bias"));
  let embedding: GraphTensor;
  let next: GraphTensor | undefined;
  if (nextHidden === "after norm") {
    next = last(x);
    embedding = getRows(next, g.outputRows());
  } else {
    next = nextHidden && x;
    embedding = last(next === undefined ? x : getRows(next, g.outputRows()));
  }
  let logits = scaled(mulMat(weights.output(), embedding), unscaled ? undefined : weights.find("output.scale"));
  if (scaledLogits) logits = scale(logits);
  if (cappedLogits) logits = scale(unary(scale(logits)));
  g.expand(logits);
  return { embedding, logits, ...(next && { nextHidden: next }) };
}
