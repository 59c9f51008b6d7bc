import type { GraphContext } from "../context.ts";
import { add, cast, rope, scale, unary } from "../ops/elementwise.ts";
import { getRows, mulMat, topK } from "../ops/products.ts";
import { cont, permute, reshape, view } from "../ops/shapes.ts";
import { F32, type GraphTensor, I32, I64, inputTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { normOf } from "./norm.ts";

/** Which cells make up a block, and which blocks a token sees (`llm_graph_input_qsa`, `src/models/qwen4exp.cpp`). */
export type QsaInputs = {
  readonly tokensPerBlock: number;
  readonly keyRows: GraphTensor;
  readonly blockOfCell: GraphTensor;
  readonly cellsOfBlock: GraphTensor;
  readonly positions: GraphTensor;
  readonly bias: GraphTensor;
};

/** Inputs of all layers whose blocks are of one size. */
export function qsaInputs(g: GraphContext, mask: GraphTensor, tokensPerBlock: number): QsaInputs {
  const [cells, tokens, , streams] = mask.ne;
  const blocks = Math.ceil(cells / tokensPerBlock);
  return {
    tokensPerBlock,
    keyRows: inputTensor(I64, [g.tokens]),
    blockOfCell: inputTensor(I32, [cells, streams]),
    cellsOfBlock: inputTensor(I32, [tokensPerBlock * blocks, streams]),
    positions: inputTensor(I32, [4 * blocks * streams]),
    bias: inputTensor(F32, [blocks, tokens, streams]),
  };
}

/**
 * Numbers of the cells that each token attends to, `[cells chosen, tokens, 1, streams]`: those of the blocks whose mean
 * index key scores best (`build_qsa_top_k`). The batch's own index keys are written first.
 */
export function cellsOfBestBlocks(
  g: GraphContext,
  block: BlockWeights,
  inputs: QsaInputs,
  mask: GraphTensor,
  x: GraphTensor,
): GraphTensor {
  const { hp, caches } = g;
  const il = block.index;
  const dim = hp.number("attention.indexer.key_length", 0);
  const [cells, tokens, , streams] = mask.ne;
  const own = reshape(mulMat(block.need("indexer.k_proj"), x), dim, 1, g.tokens);
  g.expand(caches.storeKeys(il, own, inputs.keyRows, "index"));
  const keys = blockKeys(g, block, inputs, streams);
  const scores = add(blockScores(g, block, keys, x, tokens), inputs.bias);
  const byCell = getRows(cont(permute(scores, 1, 0, 2, 3)), inputs.blockOfCell);
  const wide = mask.type === F32 ? mask : cast(mask, F32);
  const seen = add(cont(permute(byCell, 1, 0, 2, 3)), reshape(wide, cells, tokens, streams));
  const width = Math.min(cells, hp.number("attention.indexer.top_k", 0) + inputs.tokensPerBlock - 1);
  return reshape(cont(topK(seen, width)), width, tokens, 1, streams);
}

/** The mean index key of each block, normed and rotated, `[key, blocks, streams]`. */
function blockKeys(g: GraphContext, block: BlockWeights, inputs: QsaInputs, streams: number): GraphTensor {
  const il = block.index;
  const all = g.caches.keys(il, "index", 1);
  const [dim, , cells] = all.ne;
  const rows = view(all, [dim, cells, streams], [all.nb[2], all.nb[3]]);
  const size = inputs.tokensPerBlock;
  const blocks = inputs.cellsOfBlock.ne[0] / size;
  const members = reshape(getRows(rows, inputs.cellsOfBlock), dim, size, blocks, streams);
  const member = (): GraphTensor => cont(view(members, [dim, blocks, streams], [members.nb[2], members.nb[3]]));
  let sum = member();
  for (let other = 1; other < size; other++) sum = add(sum, member());
  const mean = reshape(scale(sum), dim, blocks * streams);
  const normed = reshape(normOf(g, block, "indexer.k_norm", mean), dim, 1, blocks * streams);
  return reshape(rope(normed, inputs.positions), dim, blocks, streams);
}

/** How well each block answers each token, over all heads: `[blocks, tokens, streams]`. */
function blockScores(
  g: GraphContext,
  block: BlockWeights,
  keys: GraphTensor,
  x: GraphTensor,
  tokens: number,
): GraphTensor {
  const [dim, blocks, streams] = keys.ne;
  const heads = g.hp.number("attention.indexer.head_count", 0);
  const queries = reshape(mulMat(block.need("indexer.q_proj"), x), dim, heads, g.tokens);
  const normed = normOf(g, block, "indexer.q_norm", queries);
  const q = rope(normed, g.positions(4));
  const products = mulMat(keys, reshape(q, dim, heads * tokens, streams));
  const scores = unary(reshape(products, blocks, heads, tokens, streams));
  const head = (): GraphTensor => view(scores, [blocks, tokens, streams], [scores.nb[2], scores.nb[3]]);
  let sum = cont(head());
  for (let other = 1; other < heads; other++) sum = add(sum, head());
  return sum;
}
