import type { GraphContext, GraphResult } from "../context.ts";
import { scale } from "../ops/elementwise.ts";
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

/** The last norm and the output matrix: embedding and logits of the tokens that are put out. */
export function head(
  g: GraphContext,
  x: GraphTensor,
  {
    kind = "rms",
    scaledLogits = false,
    lastNorm = "output_norm",
  }: { readonly kind?: NormKind; readonly scaledLogits?: boolean; readonly lastNorm?: string } = {},
): GraphResult {
  const embedding = norm(g, x, g.weights.find(`${lastNorm}.weight`), kind, -1, g.weights.find(`${lastNorm}.bias`));
  const product = scaled(mulMat(g.weights.output(), embedding), g.weights.find("output.scale"));
  const logits = g.expand(scaledLogits ? scale(product) : product);
  return { embedding, logits };
}
