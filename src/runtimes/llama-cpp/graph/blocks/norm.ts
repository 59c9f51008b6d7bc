import type { GraphContext } from "../context.ts";
import { add, groupNorm, layerNorm, mul, rmsNorm } from "../ops/elementwise.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

export type NormKind = "rms" | "layer" | "group";

/** A norm with what it is multiplied with and what is added, where the model has those (`build_norm`); the shape stays. */
export function norm(
  g: GraphContext,
  x: GraphTensor,
  weight: GraphTensor | undefined,
  kind: NormKind,
  layer: number,
  bias?: GraphTensor,
): GraphTensor {
  let y = normed(x, kind);
  if (weight !== undefined || bias !== undefined) g.keepOnDevice(y, layer);
  if (weight !== undefined) y = mul(y, weight);
  return bias === undefined ? y : add(y, bias);
}

/** A norm of a block by its name in the file, kept on the layer's device. */
export function normOf(
  g: GraphContext,
  block: BlockWeights,
  name: string,
  x: GraphTensor,
  kind: NormKind = "rms",
): GraphTensor {
  return norm(g, x, block.weight(name), kind, block.index, block.bias(name));
}

/** A norm of the model, not of a block, by its name in the file; of no layer (-1) unless it is kept on that one's device. */
export function modelNorm(
  g: GraphContext,
  name: string,
  x: GraphTensor,
  kind: NormKind = "rms",
  layer = -1,
): GraphTensor {
  return norm(g, x, g.weights.find(`${name}.weight`), kind, layer, g.weights.find(`${name}.bias`));
}

/** A norm that not every model has: the same tensor where the file has no weight of this name. */
export function normIfAny(
  g: GraphContext,
  block: BlockWeights,
  name: string,
  x: GraphTensor,
  kind: NormKind = "rms",
  layer: number = block.index,
): GraphTensor {
  const weight = block.weight(name) ?? block.plain(name);
  return weight === undefined ? x : norm(g, x, weight, kind, layer, block.bias(name));
}

function normed(x: GraphTensor, kind: NormKind): GraphTensor {
  if (kind === "rms") return rmsNorm(x);
  if (kind === "layer") return layerNorm(x);
  const y = groupNorm(reshape(x, x.ne[0], 1, x.ne[1]));
  return reshape(y, y.ne[0], y.ne[2]);
}
