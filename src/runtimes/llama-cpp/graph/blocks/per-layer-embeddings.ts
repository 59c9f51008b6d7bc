import type { GraphContext } from "../context.ts";
import { add, mul, scale, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import { cont, permute, reshape, view } from "../ops/shapes.ts";
import { type GraphTensor, I32, inputTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { norm, normOf } from "./norm.ts";

/**
 * Embeddings of their own for each layer, `[size, tokens, layers]`: rows of a second table, and the usual embeddings projected
 * to as many (`build_inp_per_layer`, `project_per_layer_inputs` of `src/models/gemma3n.cpp`, `gemma4.cpp`).
 */
export function perLayerEmbeddings(g: GraphContext, embeddings: GraphTensor): GraphTensor {
  const { weights } = g;
  const table = weights.get("per_layer_token_embd.weight");
  const normWeight = weights.get("per_layer_proj_norm.weight");
  const size = normWeight.ne[0];
  const count = table.ne[0] / size;
  const rows = getRows(table, inputTensor(I32, [g.tokens]));
  const read = g.expand(scale(reshape(rows, size, count, g.tokens)));
  const projected = scale(mulMat(weights.get("per_layer_model_proj.weight"), embeddings));
  const normed = norm(g, reshape(projected, size, count, g.tokens), normWeight, "rms", -1);
  return cont(permute(scale(add(normed, read)), 0, 2, 1, 3));
}

/** Hidden states gate the embeddings of their layer, `[size, tokens]`, which are projected back and normed. */
export function gatedLayerEmbedding(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  embeddings: GraphTensor,
): GraphTensor {
  const gate = unary(mulMat(block.need("inp_gate"), x));
  const chosen = mul(gate, slice(embeddings));
  return normOf(g, block, "post_norm", mulMat(block.need("proj"), chosen));
}

/** One plane of three dimensions, `[first, second]`. */
export function slice(x: GraphTensor): GraphTensor {
  return view(x, [x.ne[0], x.ne[1]], [x.nb[1]]);
}
