import { add, mul } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import { MissingWeight, type Projection } from "../weights.ts";

/** A product with a matrix, its scale where it has one (`build_lora_mm`), then its bias: `[in, …]` to `[out, …]`. */
export function project({ weight, bias, scale }: Projection, x: GraphTensor): GraphTensor {
  if (weight === undefined) throw new MissingWeight("of a projection");
  const y = scaled(mulMat(weight, x), scale);
  return bias === undefined ? y : add(y, bias);
}

/** The same without the scale, of the places where the engine does not ask for one. */
export function projectUnscaled({ weight, bias }: Projection, x: GraphTensor): GraphTensor {
  return project({ weight, bias, scale: undefined }, x);
}

/** The same matrix where the engine does not ask for its bias. */
export function unbiased(projection: Projection): Projection {
  return { ...projection, bias: undefined };
}

export function scaled(x: GraphTensor, scale: GraphTensor | undefined): GraphTensor {
  return scale === undefined ? x : mul(x, scale);
}

export function plus(x: GraphTensor, bias: GraphTensor | undefined): GraphTensor {
  return bias === undefined ? x : add(x, bias);
}
