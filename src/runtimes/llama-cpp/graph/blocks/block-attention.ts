import type { PoolInputs } from "../caches.ts";
import type { GraphContext } from "../context.ts";
import { add, cast, over, rope, scale } from "../ops/elementwise.ts";
import { arange, flashAttention, getRows, mulMat, setRows, topK } from "../ops/products.ts";
import { concat, cont, isContiguous, permute, repeat, reshape, transpose, view } from "../ops/shapes.ts";
import { maxOfRuns } from "../ops/sparse.ts";
import { F16, F32, type GraphTensor, I32, I64, inputTensor } from "../tensor.ts";
import type { BlockWeights, Projection } from "../weights.ts";
import { projected, type Queried, rotated } from "./attention.ts";
import { norm } from "./norm.ts";

/* MiniMax Sparse Attention: each group of heads looks at the blocks of positions that score best (`src/models/minimax-m3.cpp`). */

/** Which cell a position lies in and the other way round, and what of it may be seen. */
export type MsaInputs = {
  readonly keyRows: GraphTensor;
  /** Positions of a block. */
  readonly size: number;
  /** Blocks that are looked at. */
  readonly chosen: number;
  readonly bias: GraphTensor;
  readonly positionMask: GraphTensor;
  readonly cellOfPosition: GraphTensor;
  /** The same as numbers that are reckoned with, where single tokens gather their cells. */
  readonly cellOfPositionFloat: GraphTensor;
  readonly blockOfCell: GraphTensor;
  readonly maskFloat: GraphTensor;
};

/** Positions that the maps have room for before anything is cached (`llama_kv_cache_msa_context::get_n_pos`). */
const LEAST_POSITIONS = 256;

/** Undefined where the engine attends to everything: without flash attention, and where sequences share one cache. */
export function msaInputs(g: GraphContext, { mask }: PoolInputs): MsaInputs | undefined {
  const { settings } = g.subject;
  if (!g.fused.flashAttention || (settings.sequences > 1 && settings.unifiedCache)) return undefined;
  const [cells, , , streams] = mask.ne;
  const size = g.hp.number("attention.indexer.block_size", 1);
  const count = Math.ceil(LEAST_POSITIONS / size);
  return {
    keyRows: inputTensor(I64, [g.tokens]),
    size,
    chosen: Math.min(g.hp.number("attention.indexer.top_k", 0), count),
    bias: inputTensor(F32, [count, g.tokens]),
    positionMask: inputTensor(F32, [count * size, g.tokens]),
    cellOfPosition: inputTensor(I32, [count * size, streams]),
    cellOfPositionFloat: inputTensor(F32, [count * size, streams]),
    blockOfCell: inputTensor(I32, [cells, streams]),
    maskFloat: cast(mask, F32),
  };
}

/** Attends to the blocks that an indexer picks; the batch is written to both caches first. */
export function attendBlocks(
  g: GraphContext,
  block: BlockWeights,
  pool: PoolInputs,
  inputs: MsaInputs,
  x: GraphTensor,
  queried: Queried,
  output: Projection | undefined,
): GraphTensor {
  const { caches } = g;
  const il = block.index;
  const index = indexHeads(g, block, x);
  g.expand(caches.storeKeys(il, index.k, inputs.keyRows, "index"));
  const q = rotated(queried.q, pool.keyRotation);
  const k = rotated(queried.k, pool.keyRotation);
  const v = rotated(queried.v, pool.valueRotation);
  for (const each of [q, k, v]) g.expand(each);
  g.expand(caches.storeKeys(il, k, pool.keyRows));
  g.expand(caches.storeValues(il, v, pool.valueRows));
  const parts = {
    q,
    index: index.q,
    keys: caches.keys(il),
    values: caches.values(il),
    indexKeys: caches.keys(il, "index", 1),
  };
  const streams = parts.keys.ne[3];
  const attended =
    g.tokens === streams
      ? attendGathered(g, inputs, parts)
      : Array.from({ length: streams }, () => attendMasked(g, inputs, parts)).reduce((some, part) =>
          concat(some, part, 1),
        );
  return projected(rotated(attended, pool.valueRotation), output);
}

type Parts = Readonly<Record<"q" | "index" | "keys" | "values" | "indexKeys", GraphTensor>>;

/** Queries of the indexer, one head for each group, and the one key that they share. */
function indexHeads(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
): { readonly q: GraphTensor; readonly k: GraphTensor } {
  const dim = g.hp.number("attention.indexer.key_length", 0);
  const head = (name: "q" | "k", heads: number): GraphTensor => {
    const rows = reshape(mulMat(block.need(`indexer.${name}_proj`), x), dim, heads, g.tokens);
    return rope(norm(g, rows, block.weight(`indexer.${name}_norm`), "rms", block.index), g.positions());
  };
  return { q: head("q", g.hp.number("attention.indexer.head_count", 0)), k: head("k", 1) };
}

/** One token for each stream: the cells of its blocks are gathered. */
function attendGathered(g: GraphContext, inputs: MsaInputs, { q, index, keys, values, indexKeys }: Parts): GraphTensor {
  const { size, chosen, bias, positionMask, cellOfPosition, cellOfPositionFloat } = inputs;
  const [dim, groups, cells, streams] = keys.ne;
  const positions = positionMask.ne[0];
  const allKeys = view(indexKeys, [index.ne[0], cells, streams], [indexKeys.nb[2], indexKeys.nb[3]]);
  const byPosition = reshape(getRows(allKeys, cellOfPosition), index.ne[0], positions, 1, streams);
  const scores = mulMat(byPosition, reshape(index, index.ne[0], groups, 1, streams));
  const masked = over("ADD", scores, reshape(positionMask, positions, 1, 1, streams));
  const best = topK(add(maxOfRuns(masked, size), reshape(bias, bias.ne[0], 1, 1, streams)), chosen);
  const starts = reshape(scale(cast(best, F32)), 1, chosen, groups, streams);
  const each = size * chosen * groups;
  const within = add(repeat(starts, size, chosen, groups, streams), reshape(arange(size), size, 1, 1));
  const chosenPositions = cast(reshape(within, each, streams), I32);
  const chosenCells = getRows(reshape(cellOfPositionFloat, 1, positions, streams), chosenPositions);
  const rows = add(scale(reshape(chosenCells, size, chosen, groups, streams)), reshape(arange(groups), 1, 1, groups));
  const chosenRows = cast(reshape(rows, each, streams), I32);
  const gathered = (cache: GraphTensor): GraphTensor => {
    const all = view(cache, [dim, groups * cells, streams], [cache.nb[1], cache.nb[3]]);
    const some = reshape(getRows(all, chosenRows), dim, size * chosen, 1, groups * streams);
    const type = cache.type.blockElements > 1 ? F16 : cache.type;
    return some.type === type ? some : cast(some, type);
  };
  const seen = getRows(reshape(positionMask, 1, positions, streams), chosenPositions);
  const mask = cast(reshape(seen, size * chosen, 1, 1, groups * streams), F16);
  return attendGroups(g, q, gathered(keys), gathered(values), mask);
}

/** The tokens of one stream: what is not in their blocks is hidden by a mask. */
function attendMasked(g: GraphContext, inputs: MsaInputs, { q, index, keys, values, indexKeys }: Parts): GraphTensor {
  const { size, chosen, bias, positionMask, cellOfPosition, blockOfCell, maskFloat } = inputs;
  const [dim, groups, cells, streams] = keys.ne;
  const tokens = g.tokens / streams;
  const [positions, blocks] = [positionMask.ne[0], bias.ne[0]];
  const ofTokens = (x: GraphTensor): GraphTensor => view(x, [x.ne[0], x.ne[1], tokens], [x.nb[1], x.nb[2]]);
  const ofEach = (x: GraphTensor): GraphTensor => view(x, [x.ne[0], 1, tokens], [x.nb[1], x.nb[1]]);
  const streamKeys = view(indexKeys, [index.ne[0], cells], [indexKeys.nb[2]]);
  const byPosition = getRows(streamKeys, view(cellOfPosition, [positions]));
  const products = mulMat(byPosition, reshape(ofTokens(index), index.ne[0], groups * tokens));
  const scores = over("ADD", reshape(products, positions, groups, tokens), ofEach(positionMask));
  const biases = ofEach(bias);
  const best = topK(add(maxOfRuns(scores, size), biases), chosen);
  const hidden = repeat(cast(scale(biases), F16), blocks, groups, tokens, 1);
  const shown = setRows(
    reshape(hidden, 1, blocks, groups * tokens),
    reshape(scale(cast(best, F32)), 1, chosen, groups * tokens),
    reshape(best, chosen, groups * tokens),
  );
  const byGroup = cont(permute(reshape(shown, blocks, groups, tokens), 0, 2, 1, 3));
  const byBlock = cont(transpose(reshape(byGroup, blocks, tokens * groups)));
  const byCell = cont(transpose(getRows(byBlock, view(blockOfCell, [cells]))));
  const seen = view(maskFloat, [cells, tokens, 1], [maskFloat.nb[1], maskFloat.nb[3]]);
  const both = over("ADD", reshape(byCell, cells, tokens, groups), seen);
  const mask = cast(reshape(both, cells, tokens, 1, groups), F16);
  const ofStream = (x: GraphTensor): GraphTensor =>
    permute(view(x, [dim, groups, cells, 1], [x.nb[1], x.nb[2], x.nb[3]]), 0, 3, 1, 2);
  return attendGroups(g, ofTokens(q), ofStream(keys), ofStream(values), mask);
}

/** All groups of heads in one attention, each as if it were a sequence (`build_attn_msa_fa`): `[heads x head, tokens]`. */
function attendGroups(g: GraphContext, q: GraphTensor, k: GraphTensor, v: GraphTensor, mask: GraphTensor): GraphTensor {
  const [dim, heads, tokens] = q.ne;
  const sequences = k.ne[3];
  const perGroup = heads / g.hp.kvHeads();
  const rows = (heads * tokens) / (perGroup * sequences);
  const queries = permute(reshape(q, dim, perGroup, sequences, rows), 0, 2, 3, 1);
  const byToken = permute(flashAttention(queries, k, v, mask), 0, 1, 3, 2);
  return reshape(isContiguous(byToken) ? byToken : cont(byToken), dim * heads, tokens);
}
