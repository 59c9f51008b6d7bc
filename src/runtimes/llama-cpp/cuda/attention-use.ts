import type { GraphTensor } from "../graph/tensor.ts";
import { attentionKernel, CELL_STEP, readsHeadsTogether } from "./attention.ts";
import { type AttentionTiles, attentionTiles } from "./attention-tiles.ts";
import { CHIPS, exactly, NOTHING, type PoolUse, pieces, TYPICAL } from "./pool-use.ts";

/*
 * What flash attention takes from the pool: which cells each tile reads, and parts of the result where several blocks of threads
 * share it (llama.cpp 0.5.0 `ggml/src/ggml-cuda/fattn-common.cuh:976`, launch_fattn). How many blocks run at once is
 * the compiler's and the device's to say: typical is what the kernel is compiled for, the most what shared memory and threads allow.
 */

/** Queries and heads of a tile, side by side. */
type Columns = { readonly queries: number; readonly heads: number };

/** Bytes of `FLASH_ATTN_EXT`. */
export function attentionUse(node: GraphTensor): PoolUse {
  const [q, k, v, mask] = node.sources;
  const kernel = attentionKernel(node);
  if (q === undefined || k === undefined || v === undefined || kernel === undefined) return NOTHING;
  const together = Math.floor(q.ne[2] / k.ne[2]);
  if (kernel === "vectors") {
    return dividedUse(node, { queries: q.ne[1] === 1 ? 1 : 2, heads: 1 }, VECTOR_THREADS, k.ne[0]);
  }
  const isTogether = readsHeadsTogether([q, k, v, mask]);
  if (SMALL_TILES.has(k.ne[0])) {
    const columns = smallTile(q.ne[1], isTogether ? together : 1);
    return dividedUse(node, columns, SMALL_TILE_THREADS, SMALL_TILE_CELLS);
  }
  const heads = headsOf(k.ne[0], isTogether ? together : 1, q.ne[1]);
  const sparse = sparseQueries(node, heads);
  const columns = { queries: sparse ?? queriesOf(q.ne[1], heads), heads };
  return sharedUse(node, columns, sparse !== undefined || isSparse(node, columns));
}

/** `ggml_cuda_fattn_vec_get_nthreads_host`, `fattn-vec.cuh:4`. */
const VECTOR_THREADS = 128;

/** Heads that have no kernel for tensor cores, and how theirs cuts (`fattn-tile.cuh:22`, `:34`). */
const SMALL_TILES: ReadonlySet<number> = new Set([40, 72]);
const SMALL_TILE_THREADS = 256;
const SMALL_TILE_CELLS = 64;

/** `launch_fattn_tile_switch_ncols1`, `_ncols2`: heads together for few queries, or many heads. */
function smallTile(queries: number, together: number): Columns {
  const isGrouped = together > 4 || queries <= 16;
  const heads = [8, 4, 2].find((count) => isGrouped && together % count === 0) ?? 1;
  const columns = [32, 16, 8, 4].find((count) => queries > count / 2 / heads && count >= heads) ?? 2;
  return { queries: Math.max(1, columns / heads), heads };
}

/** Heads of a tile (`fattn.cu:196`, `:297`). */
function headsOf(keyDim: number, together: number, queries: number): number {
  if (keyDim === 192) return together % 16 === 0 ? 16 : 8;
  if (keyDim === 320) return 32;
  if (keyDim === 576) return together % 16 === 0 || (together === 20 && queries <= 4) ? 16 : 4;
  if (together > 4) return 8;
  if (together > 2) return 4;
  return together;
}

/** Queries of a tile (`ggml_cuda_flash_attn_ext_mma_f16_switch_ncols1`). */
function queriesOf(queries: number, heads: number): number {
  return ([8, 16, 32].find((columns) => queries <= columns / heads) ?? 64) / heads;
}

/** Sizes and columns with a kernel that gathers the cells it sees (`ggml_cuda_flash_attn_ext_mma_f16_may_use_sparse`). */
const SPARSE: ReadonlySet<string> = new Set(["512 512 1 8", "576 512 1 16", "256 256 1 8", "256 256 8 8"]);

/** Queries that gather alone. */
function sparseQueries(node: GraphTensor, heads: number): number | undefined {
  const queries = node.sources[0]?.ne[1] ?? 0;
  const [, k] = node.sources;
  if (k?.ne[0] === 256 && heads === 8 && queries > 4) return undefined;
  return isSparse(node, { queries: 1, heads }) ? 1 : undefined;
}

function isSparse({ sources: [q, k, v, mask], mostCells = 0 }: GraphTensor, { queries, heads }: Columns): boolean {
  if (q === undefined || k === undefined || v === undefined || mask === undefined) return false;
  if (!SPARSE.has(`${k.ne[0]} ${v.ne[0]} ${queries} ${heads}`)) return false;
  const gathered = (queries === 1 ? Math.min(q.ne[1], Math.floor(64 / heads)) : queries) * mostCells;
  const fits = mask.ne[0] === k.ne[1] && mask.ne[1] >= q.ne[1] && mask.ne[2] === 1;
  return mostCells > 0 && fits && k.ne[1] >= Math.max(4096, 2 * gathered);
}

/** Which cells a tile reads: a list, or where the mask hides the rest. */
function listBytes(
  { sources: [q, k, , mask], mostCells = 0 }: GraphTensor,
  { queries }: Columns,
  gathers: boolean,
): number {
  if (q === undefined || k === undefined || mask === undefined) return 0;
  const lists = Math.ceil(q.ne[1] / queries);
  if (gathers) return 4 * lists * mask.ne[3] * (Math.min(k.ne[1], queries * mostCells) + 1);
  const isScanned = k.ne[1] % CELL_STEP === 0 && (q.ne[1] >= 1024 || q.ne[3] > 1);
  return isScanned ? 4 * lists * q.ne[3] : 0;
}

/** Tiles of the result. */
function countTiles({ sources: [q, k] }: GraphTensor, { queries, heads }: Columns): number {
  if (q === undefined || k === undefined) return 0;
  const groups = Math.ceil(Math.floor(q.ne[2] / k.ne[2]) / heads);
  return Math.ceil(q.ne[1] / queries) * groups * k.ne[2] * q.ne[3];
}

/** Tiles that blocks share out among them, wherever one ends. */
function sharedUse(node: GraphTensor, columns: Columns, gathers: boolean): PoolUse {
  const [, k, v] = node.sources;
  const keyDim = k?.ne[0] ?? 0;
  const valueDim = v?.ne[0] ?? 0;
  const lists = listBytes(node, columns, gathers);
  const cut = attentionTiles(keyDim, valueDim, columns.queries * columns.heads);
  if (cut === undefined) return exactly(pieces(lists));
  const tiles = countTiles(node, columns);
  const cells = k?.ne[1] ?? 0;
  const read = gathers ? Math.min(cells, columns.queries * (node.mostCells ?? 0)) : cells;
  const work = Math.ceil(read / cut.cells) * tiles;
  // Of each block the sums, and its part of the result.
  const ofBlock = 8 * columns.queries * columns.heads * (2 + Math.floor(valueDim / 2));
  const shared = sharedBytes(cut, keyDim, columns);
  const most = CHIPS.map((chip) => {
    const blocks = Math.floor(Math.min(chip.threads / cut.threads, chip.sharedBytes / shared));
    return chip.multiprocessors * Math.max(1, blocks);
  });
  return {
    bytes: pieces(lists, ofBlock * sharedBlocks(Math.min(TYPICAL.multiprocessors * cut.blocks, work), tiles)),
    low: pieces(lists),
    // Fewer tokens share tiles that all of them do not.
    high: pieces(lists, ofBlock * Math.min(Math.max(...most), work)),
    callsBlas: false,
  };
}

/** Blocks where tiles do not end with them, else 0: as many to each tile, if that idles few. */
function sharedBlocks(blocks: number, tiles: number): number {
  const even = Math.floor(blocks / tiles) * tiles;
  const loss = even > 0 ? Math.floor((100 * (blocks - even)) / blocks) : 100;
  const used = loss <= 5 ? even : blocks;
  return tiles % used === 0 ? 0 : used;
}

/** Bytes of shared memory that a block takes (`fattn-mma-f16.cuh:2050`, ggml_cuda_flash_attn_ext_mma_f16_case). */
function sharedBytes(cut: AttentionTiles, keyDim: number, { queries, heads }: Columns): number {
  const isSwizzled = cut.key % 32 === 0 && cut.value % 32 === 0;
  const padded = (pairs: number): number => (isSwizzled ? pairs : pairs + 4);
  const key = padded(cut.key);
  const value = keyDim === 576 ? key : padded(cut.value);
  const isAhead = heads >= 2 && cut.stages > 1;
  const read = 4 * cut.cells * (isAhead ? key + value : Math.max(key, value));
  const queried = 4 * queries * heads * (keyDim / 2 + 4);
  const mask = 4 * queries * (cut.cells / 2 + 4);
  const combined = 4 * (cut.threads / 32) * Math.min(queries * heads, 16) * (cut.combined + 4);
  return Math.max(combined, cut.holdsQueries ? Math.max(queried, read + mask) : queried + read + mask);
}

/** Cells that blocks divide among them, each with a result of its own. */
function dividedUse(node: GraphTensor, columns: Columns, threads: number, step: number): PoolUse {
  const lists = listBytes(node, columns, false);
  const tiles = countTiles(node, columns);
  const steps = Math.ceil((node.sources[1]?.ne[1] ?? 0) / step);
  const [width, ...counts] = node.ne;
  const rows = counts.reduce((product, count) => product * count, 1);
  const parts = (count: number): number =>
    count > 1 ? pieces(lists, 4 * count * width * rows, 8 * count * rows) : pieces(lists);
  // A part more is tried until 19 of 20 blocks have work, which they do after 20 waves at the latest.
  const most = CHIPS.map((chip) => {
    const blocks = Math.floor(chip.threads / threads);
    return Math.max(blocks, 20 + Math.floor((chip.multiprocessors * blocks) / tiles));
  });
  return {
    bytes: parts(dividedParts(tiles, steps, TYPICAL.multiprocessors)),
    low: parts(1),
    high: parts(Math.min(steps, Math.max(...most))),
    callsBlas: false,
  };
}

/** Parts where one block runs on each multiprocessor. */
function dividedParts(tiles: number, steps: number, blocks: number): number {
  let best = { parts: 1, waves: 0, efficiency: 0 };
  for (let parts = 1; parts <= steps; parts++) {
    const waves = Math.ceil((tiles * parts) / blocks);
    const efficiency = Math.floor((100 * tiles * parts) / (waves * blocks));
    if (best.efficiency >= 95 && waves > best.waves) break;
    if (efficiency > best.efficiency) best = { parts, waves, efficiency };
  }
  return best.parts;
}
