import { padTo } from "../../pad.ts";
import { mulMat } from "../graph/ops/products.ts";
import { contiguousFrom, isContiguous } from "../graph/ops/shapes.ts";
import { F32, GraphTensor } from "../graph/tensor.ts";
import { besides, exactly, MOST_MULTIPROCESSORS, NOTHING, type PoolUse, pieces, TYPICAL } from "./pool-use.ts";
import { CUDA_TILED } from "./types.ts";

/*
 * Which kernel multiplies two matrices, and what it takes from the pool (llama.cpp 0.5.0 `ggml/src/ggml-cuda/ggml-cuda.cu:1823`,
 * ggml_cuda_mul_mat), on devices of compute capability 8.9 and newer.
 */

/** Bytes of `MUL_MAT`. */
export function productUse(node: GraphTensor): PoolUse {
  const [a, b] = node.sources;
  if (a === undefined || b === undefined || isHadamard(a, b)) return NOTHING;
  if (b.type !== F32) return blas(a, b, node);
  const rows = b.ne[1];
  if (takesVectors(a, rows) || isVector(a, b, node) || takesFewRows(a, MOST_ROWS.tiles >= rows)) return NOTHING;
  if (a.type.blockElements > 1 && rows <= MOST_ROWS.quantizedVectors) return quantizedVectors(a, b);
  return CUDA_TILED.has(a.type.name) ? quantizedTiles(a, b) : blas(a, b, node);
}

/** Bytes of `MUL_MAT_ID` (`ggml-cuda.cu:1910`, ggml_cuda_mul_mat_id). */
export function expertsUse(node: GraphTensor): PoolUse {
  const [a, b, chosen] = node.sources;
  if (a === undefined || b === undefined || chosen === undefined) return NOTHING;
  const tokens = b.ne[2];
  const used = chosen.ne[0];
  const rows = tokens * used;
  const experts = a.ne[2];
  if (a.type.blockElements > 1 && tokens <= MOST_ROWS.quantizedVectors) return exactly(vectorBytes(b));
  // Which rows each expert takes, and where they come from (`mmq.cu:187`, `mmf.cu:78`).
  const listed = pieces(4 * rows, 4 * rows, 4 * (experts + 1));
  if (CUDA_TILED.has(a.type.name)) {
    return besides(listed, tiles(a, { rows, width: b.ne[0], behind: b.ne[1], columns: tokens, planes: experts }));
  }
  if (takesFewRows(a, tokens <= (a.ne[1] <= 1024 ? 512 : 128))) return exactly(tokens > MOST_ROWS.tiles ? listed : 0);
  return sorted(a, { rows, tokens, experts });
}

/** Most rows of the second matrix (`MMVQ_MAX_BATCH_SIZE`, `ggml_cuda_should_use_mmf`). */
const MOST_ROWS = { quantizedVectors: 8, tiles: 16 } as const;

/** The most for which kernels of few rows read matrices of a type (`ggml_cuda_should_use_mmvf`, `mmvf.cu:792`). */
const VECTORS: ReadonlyMap<string, number> = new Map([
  ["F32", 3],
  ["F16", 1],
  ["BF16", 1],
]);

function takesVectors(a: GraphTensor, rows: number): boolean {
  const most = VECTORS.get(a.type.name);
  if (most === undefined || rows > most || a.ne[0] % 2 !== 0 || !areStridesEven(a)) return false;
  return a.type === F32 || a.ne[1] <= 512 || a.ne[2] * a.ne[3] === 1;
}

function areStridesEven({ type, nb: [element, ...strides] }: GraphTensor): boolean {
  return element === type.blockBytes && strides.every((stride) => stride % (2 * type.blockBytes) === 0);
}

/** A matrix of one row, turned (`ggml-cuda.cu:1850`). */
function isVector(a: GraphTensor, b: GraphTensor, { ne }: GraphTensor): boolean {
  const isOne = a.ne[1] === 1 && b.ne[1] > 8 && ne[2] === 1 && ne[3] === 1 && a.type === F32;
  return isOne && isContiguous(a) && isContiguous(b) && takesVectors(b, 1);
}

/** `ggml_cuda_should_use_mmf` (`mmf.cu:123`). */
function takesFewRows(a: GraphTensor, areFew: boolean): boolean {
  const { type, ne } = a;
  return (
    areFew && VECTORS.has(type.name) && ne[0] % (128 / type.blockBytes) === 0 && ne[1] % 32 === 0 && areStridesEven(a)
  );
}

const HADAMARD_SIZES: ReadonlySet<number> = new Set([64, 128, 256, 512]);

/** A product with a Hadamard matrix, filled in from outside, is not one (`fwht.cu:61`). */
function isHadamard(a: GraphTensor, b: GraphTensor): boolean {
  const isFilledIn = a.operation === "NONE" && a.storage === undefined && a.type === F32;
  return isFilledIn && a.ne[0] === a.ne[1] && HADAMARD_SIZES.has(a.ne[0]) && isContiguous(b);
}

/** Bytes of a block of activations, of which there are 128 in one (`block_q8_1_mmq`, `mmq.cuh:27`), or 256 of 4 bits. */
const BLOCK_BYTES = 144;
const BLOCK = 128;

/** Rows are padded to this (`MATRIX_ROW_PADDING`). */
const ROW_PADDING = 512;

/** All rows in 8 bits (`mmvq.cu:1501`, ggml_cuda_mul_mat_vec_q). */
function vectorBytes({ ne }: GraphTensor): number {
  return pieces((ne[1] * ne[2] * ne[3] * padTo(ne[0], ROW_PADDING) * BLOCK_BYTES) / BLOCK);
}

/** From five rows on some devices take tiles for some types (`ggml_cuda_should_use_mmvq`, `mmvq.cu:318`). */
function quantizedVectors(a: GraphTensor, b: GraphTensor): PoolUse {
  const bytes = vectorBytes(b);
  const isTiled = b.ne[1] > 4 && CUDA_TILED.has(a.type.name);
  return { ...exactly(bytes), high: isTiled ? Math.max(bytes, quantizedTiles(a, b).high) : bytes };
}

function quantizedTiles(a: GraphTensor, b: GraphTensor): PoolUse {
  const [width, columns, planes, others] = b.ne;
  return tiles(a, { rows: columns * planes * others, width, behind: columns, columns, planes: planes * others });
}

/** Columns of a tile, where the rows of the matrix are a multiple of 128 and where not (`mmq-config-ampere.cuh`). */
const TILE_COLUMNS: readonly number[] = [8, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128];
const TILE_COLUMNS_OF_ODD: readonly number[] = [8, 16, 32, 64, 128];
const TILE_ROWS = 128;

/** Types that devices of compute capability 12 multiply in 4 bits. */
const FOUR_BITS: ReadonlySet<string> = new Set(["MXFP4", "NVFP4"]);

type Tiled = {
  /** Rows to make small, of this width. */
  readonly rows: number;
  readonly width: number;
  /** Read behind the last, rounded down to columns of a tile. */
  readonly behind: number;
  /** Columns of the result, in each of so many planes. */
  readonly columns: number;
  readonly planes: number;
};

/** All rows in 8 bits, and what tiles that were begun by another block add up to (`mmq.cu:136`, `mmq.cuh:1451`). */
function tiles(a: GraphTensor, { rows, width, behind, columns, planes }: Tiled): PoolUse {
  const sizes = a.ne[1] % TILE_ROWS === 0 ? TILE_COLUMNS : TILE_COLUMNS_OF_ODD;
  const behindBytes = BLOCK_BYTES * Math.max(0, ...sizes.filter((size) => size <= behind));
  const values = rows * padTo(width, ROW_PADDING) * BLOCK_BYTES;
  const small = Math.floor(values / BLOCK) + behindBytes;
  const smaller = Math.floor(values / (2 * BLOCK)) + behindBytes;
  const scales = a.type.name === "NVFP4" ? 4 * rows : 0;
  const tile = sizes.reduce((best, size) => (Math.ceil(columns / size) < Math.ceil(columns / best) ? size : best));
  const count = Math.ceil(a.ne[1] / TILE_ROWS) * Math.ceil(columns / tile) * planes;
  const tileBytes = 4 * tile * TILE_ROWS;
  return {
    bytes: pieces(small, unfinishedTiles(count, TYPICAL.multiprocessors) * tileBytes),
    low: FOUR_BITS.has(a.type.name) ? pieces(smaller, scales) : pieces(small),
    high: pieces(small, MOST_MULTIPROCESSORS * tileBytes),
    callsBlas: false,
  };
}

/** Tiles are shared out among multiprocessors unless nine of ten have as many (`mmq.cuh:1440`, launch_mul_mat_q). */
function unfinishedTiles(count: number, multiprocessors: number): number {
  const waves = Math.ceil(count / multiprocessors);
  const efficiency = Math.floor((100 * count) / (multiprocessors * waves));
  return efficiency >= 90 || count % multiprocessors === 0 ? 0 : multiprocessors;
}

/** Both matrices in the type that is computed in, and a 16-bit result (`ggml-cuda.cu:1409`, ggml_cuda_mul_mat_cublas_impl). */
function blas(a: GraphTensor, b: GraphTensor, node: GraphTensor): PoolUse {
  const computed = node.keepsSums ? "F32" : a.type.blockElements > 1 ? "F16" : a.type.name;
  const size = computed === "F32" ? 4 : 2;
  const inType = (x: GraphTensor): number => (x.type.name === computed ? 0 : size * x.elements);
  const result = computed === "F16" ? 2 * node.elements : 0;
  const planes = b.ne[2] * b.ne[3];
  const isEven = a.ne[2] === b.ne[2] && a.ne[3] === b.ne[3] && [a, b].every((x) => contiguousFrom(x, 2));
  const pointers = planes === 1 || isEven ? [] : [16 * planes, 8 * planes];
  return exactly(pieces(inType(a), inType(b), result, ...pointers), true);
}

type Sorted = { readonly rows: number; readonly tokens: number; readonly experts: number };

/** Rows and results in the order of their experts, and the product of one expert at a time (`ggml-cuda.cu:1971`). */
function sorted(a: GraphTensor, { rows, tokens, experts }: Sorted): PoolUse {
  const [width, height] = a.ne;
  const type = a.type.blockElements > 1 ? F32 : a.type;
  const held = pieces(8 * rows, type.blockBytes * width * rows, 4 * height * rows);
  const ofOne = (count: number): PoolUse => {
    const matrix = new GraphTensor("VIEW", a.type, [width, height, 1, 1]);
    return productUse(mulMat(matrix, new GraphTensor("NONE", type, [width, count, 1, 1])));
  };
  // The expert that most tokens chose has its share of them at least, and all at most.
  const fewest = ofOne(Math.ceil(rows / experts));
  return besides(held, { ...fewest, high: Math.max(fewest.high, ofOne(tokens).high) });
}
