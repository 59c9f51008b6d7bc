import type { GraphContext } from "../context.ts";
import { scale } from "../ops/elementwise.ts";
import { getRows } from "../ops/products.ts";
import { cont, isContiguous, pad, view } from "../ops/shapes.ts";
import { F32, type GraphTensor, inputTensor } from "../tensor.ts";

/** What a few models do to the embeddings. */
type EmbeddingOptions = {
  /** They are multiplied with a number (`f_embedding_scale`). */
  readonly scaled?: boolean;
  /** Numbers an input row has, where it carries more than the embedding (`n_embd_inp`). */
  readonly inputSize?: number;
};

/**
 * Rows of the embedding, `[hidden, tokens]`; beside them the graph has room for embeddings that are given instead of
 * tokens (`build_inp_embd`).
 */
export function tokenEmbeddings(g: GraphContext, { scaled = false, inputSize }: EmbeddingOptions = {}): GraphTensor {
  const { hiddenSize } = g.hp;
  const width = inputSize ?? hiddenSize;
  const given = inputTensor(F32, [width, g.tokens]);
  const rows = getRows(g.weights.get("token_embd.weight"), g.tokenIds());
  const read = width === hiddenSize ? rows : pad(rows, width - hiddenSize);
  g.expand(read);
  g.expand(given);
  let x = width === hiddenSize ? read : view(read, [hiddenSize, g.tokens], [read.nb[1]]);
  if (scaled) x = scale(isContiguous(x) ? x : cont(x));
  return g.expand(x);
}
