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

/** Rows of the embedding for the layers, and as they were read: before they are scaled (`t_inp_embd`). */
type Embeddings = { readonly x: GraphTensor; readonly read: GraphTensor };

/**
 * Rows of the embedding, `[hidden, tokens]`; beside them the graph has room for embeddings that are given instead of
 * tokens (`build_inp_embd`).
 */
export function tokenEmbeddings(g: GraphContext, options: EmbeddingOptions = {}): GraphTensor {
  return readEmbeddings(g, options).x;
}

/** The same, with the rows as they were read. */
export function readEmbeddings(g: GraphContext, { scaled = false, inputSize }: EmbeddingOptions): Embeddings {
  const { hiddenSize } = g.hp;
  const width = inputSize ?? hiddenSize;
  const given = inputTensor(F32, [width, g.tokens]);
  const rows = getRows(g.weights.embedding(), g.tokenIds());
  const padded = width === hiddenSize ? rows : pad(rows, width - hiddenSize);
  g.expand(padded);
  g.expand(given);
  const read = width === hiddenSize ? padded : view(padded, [hiddenSize, g.tokens], [padded.nb[1]]);
  const x = scaled ? scale(isContiguous(read) ? read : cont(read)) : read;
  return { x: g.expand(x), read };
}
