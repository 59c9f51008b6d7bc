import type { GgmlType } from "../../../../formats/gguf/types.ts";
import type { IndexInputs, PoolInputs } from "../caches.ts";
import type { GraphContext } from "../context.ts";
import { add, fill, filled, rope, scale } from "../ops/elementwise.ts";
import { mulMat, setRows, topK } from "../ops/products.ts";
import { cont, reshape, view } from "../ops/shapes.ts";
import { lightningIndexer } from "../ops/sparse.ts";
import { F32, type GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { normOf } from "./norm.ts";

type IndexerOptions = {
  /** Queries and keys are turned by a Hadamard matrix, which must be there then. */
  readonly rotates: boolean;
};

/**
 * Numbers of the cells that each token attends to, `[cells chosen, tokens, 1, streams]`: those whose index keys score best
 * (lightning indexer of DeepSeek V3.2, `src/models/deepseek32.cpp`). The batch's own index keys are written first.
 */
export function chosenCells(
  g: GraphContext,
  block: BlockWeights,
  inputs: IndexInputs,
  x: GraphTensor,
  latent: GraphTensor,
  { rotates }: IndexerOptions,
): GraphTensor {
  const { hp, caches } = g;
  const il = block.index;
  const heads = hp.number("attention.indexer.head_count", 0);
  const dim = hp.number("attention.indexer.key_length", 0);
  const turned = (y: GraphTensor): GraphTensor =>
    rotates && inputs.rotation !== undefined ? mulMat(inputs.rotation, y) : y;
  const q = turned(rope(reshape(mulMat(block.need("indexer.attn_q_b"), latent), dim, heads, g.tokens), g.positions()));
  const normed = normOf(g, block, "indexer.k_norm", mulMat(block.need("indexer.attn_k"), x), "layer");
  const k = turned(rope(reshape(normed, dim, 1, g.tokens), g.positions()));
  g.expand(caches.storeKeys(il, k, inputs.keyRows, "index"));
  const weights = mulMat(block.need("indexer.proj"), x);
  const keys = caches.keys(il, "index", 1);
  return bestCells(g, q, keys, scale(weightsByStream(weights, keys.ne[3])), inputs.mask);
}

/** The best cells by the scores of an indexer, as many as the model looks at; weights by stream. */
export function bestCells(
  g: GraphContext,
  q: GraphTensor,
  keys: GraphTensor,
  weights: GraphTensor,
  mask: GraphTensor,
): GraphTensor {
  const [dim, heads, tokens] = q.ne;
  const streams = keys.ne[3];
  const byStream = view(q, [dim, heads, tokens / streams, streams], [q.nb[1], q.nb[2], q.nb[3] / streams]);
  const scores = lightningIndexer(byStream, keys, weights, mask);
  return cont(topK(scores, Math.min(scores.ne[0], g.hp.number("attention.indexer.top_k", 0))));
}

/** Weights of the heads, `[heads, tokens, 1, streams]`. */
export function weightsByStream(weights: GraphTensor, streams: number): GraphTensor {
  const [heads, tokens] = weights.ne;
  const strides = [weights.nb[1], weights.nb[2] / streams, weights.nb[3] / streams];
  return view(weights, [heads, tokens / streams, 1, streams], strides);
}

/** A cache of which each token sees the chosen cells only (`llm_graph_input_attn_k_dsa`). */
export function chosenOf(pool: PoolInputs, chosen: GraphTensor): PoolInputs {
  return { ...pool, mask: maskOfChosen(pool.mask, chosen), mostCells: chosen.ne[0] };
}

/** A mask that hides all cells but the chosen ones, and of those what the pool's own mask hides. */
export function maskOfChosen(mask: GraphTensor, chosen: GraphTensor, zeroType: GgmlType = F32): GraphTensor {
  const hidden = fill(mask);
  const [cells, tokens, , streams] = mask.ne;
  const single = view(hidden, [1, cells, tokens, streams], [hidden.nb[0], hidden.nb[1], hidden.nb[2]]);
  const [count, batch, , runs] = chosen.ne;
  const numbers = view(chosen, [count, batch, runs, 1], [chosen.nb[1], chosen.nb[2], runs * chosen.nb[3]]);
  const zeros = filled([1, count, batch, runs], zeroType);
  const shown = setRows(single, zeros, numbers);
  const whole = view(shown, [cells, tokens, 1, streams], [shown.nb[2], shown.nb[3], shown.nb[3]]);
  return add(whole, mask);
}
