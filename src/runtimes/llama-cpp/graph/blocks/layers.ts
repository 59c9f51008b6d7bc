import type { GraphContext } from "../context.ts";
import { getRows } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** One layer: hidden states `[hidden, tokens]` to the same; the last one to the tokens that are put out. */
type Layer = (x: GraphTensor, block: BlockWeights) => GraphTensor;

/** The layers of a model, one after the other; `prefix` is that of their tensors. Default: `blk`. */
export function layers(g: GraphContext, x: GraphTensor, layer: Layer, prefix?: string): GraphTensor {
  let y = x;
  for (let il = 0; il < g.hp.layerCount; il++) y = layer(y, g.block(il, prefix));
  return y;
}

/** In the last layer only the tokens that are put out go on, `[width, outputs]`; elsewhere all (`inp_out_ids`). */
export function putOut(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  return isLast(g, block) ? getRows(x, g.outputRows()) : x;
}

export function isLast({ hp }: GraphContext, { index }: BlockWeights): boolean {
  return index === hp.layerCount - 1;
}
