import type { GraphContext, GraphResult } from "../context.ts";
import { getRows, mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import { norm } from "./norm.ts";
import { scaled } from "./projection.ts";

/**
 * The head of models whose last layers predict further tokens: those read the normed states of all tokens, so the ones
 * that are put out are picked after the norm (`t_h_nextn`).
 */
export function headOfAll(
  g: GraphContext,
  x: GraphTensor,
  { unscaled = false }: { readonly unscaled?: boolean } = {},
): GraphResult {
  const nextHidden = norm(g, x, g.weights.find("output_norm.weight"), "rms", -1);
  const embedding = getRows(nextHidden, g.outputRows());
  const logits = mulMat(g.weights.output(), embedding);
  return {
    nextHidden,
    embedding,
    logits: g.expand(unscaled ? logits : scaled(logits, g.weights.find("output.scale"))),
  };
}
