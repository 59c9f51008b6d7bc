import { CannotDraw } from "../cannot-draw.ts";
import { contiguous, F32, type Four, fourOf, GraphTensor, I32 } from "../tensor.ts";
import { view } from "./shapes.ts";

/* Products of matrices, rows by number, and sorting (llama.cpp 0.5.0 `ggml/src/ggml.c`). */

function float(operation: GraphTensor["operation"], ne: Four, sources: readonly GraphTensor[]): GraphTensor {
  return new GraphTensor(operation, F32, ne, contiguous(F32, ne), sources);
}

/** Rows of `b` times the matrix `a` of as wide rows: `[a rows, b rows, …]`. */
export function mulMat(a: GraphTensor, b: GraphTensor): GraphTensor {
  if (a.ne[0] !== b.ne[0]) throw new CannotDraw(`rows of ${b.ne[0]} times a matrix of rows of ${a.ne[0]}`);
  return float("MUL_MAT", [a.ne[1], b.ne[1], b.ne[2], b.ne[3]], [a, b]);
}

/** Rows of `b` times the matrices of the experts they were given to. */
export function mulMatOfExperts(matrices: GraphTensor, b: GraphTensor, experts: GraphTensor): GraphTensor {
  return float("MUL_MAT_ID", [matrices.ne[1], experts.ne[0], b.ne[2], 1], [matrices, b, experts]);
}

/** Rows of `a` by their numbers, as float32 unless they are integers. */
export function getRows(a: GraphTensor, numbers: GraphTensor): GraphTensor {
  const type = a.type === I32 ? I32 : F32;
  const ne: Four = [a.ne[0], numbers.ne[0], numbers.ne[1], numbers.ne[2]];
  return new GraphTensor("GET_ROWS", type, ne, contiguous(type, ne), [a, numbers]);
}

/** Writes rows to their numbers in `target`. */
export function setRows(target: GraphTensor, rows: GraphTensor, numbers: GraphTensor): GraphTensor {
  return new GraphTensor("SET_ROWS", target.type, target.ne, target.nb, [rows, numbers, target], target);
}

function argsort(a: GraphTensor): GraphTensor {
  return new GraphTensor("ARGSORT", I32, a.ne, contiguous(I32, a.ne), [a]);
}

/** The number of the largest element of each row. */
export function argmax(a: GraphTensor): GraphTensor {
  const ne = fourOf([a.ne[1]]);
  return new GraphTensor("ARGMAX", I32, ne, contiguous(I32, ne), [a]);
}

/** Numbers of the largest, by sorting all (`ggml_argsort_top_k`). */
export function argsortTopK(a: GraphTensor, count: number): GraphTensor {
  const sorted = argsort(a);
  const [, row, plane, block] = sorted.nb;
  return view(sorted, [count, sorted.ne[1], sorted.ne[2], sorted.ne[3]], [row, plane, block]);
}

/** Numbers of the largest, unsorted (`ggml_top_k`). */
export function topK(a: GraphTensor, count: number): GraphTensor {
  const ne: Four = [count, a.ne[1], a.ne[2], a.ne[3]];
  return new GraphTensor("TOP_K", I32, ne, contiguous(I32, ne), [a]);
}

/** Softmax of scores under a mask, with sinks beside them where a model has those. */
export function maskedSoftMax(scores: GraphTensor, mask: GraphTensor | undefined, sinks?: GraphTensor): GraphTensor {
  const sources = [scores, mask, sinks].filter((source) => source !== undefined);
  return new GraphTensor("SOFT_MAX", scores.type, scores.ne, contiguous(scores.type, scores.ne), sources);
}

/** Attention in one operation: `[value size, heads, tokens, streams]`. */
export function flashAttention(
  q: GraphTensor,
  k: GraphTensor,
  v: GraphTensor,
  mask: GraphTensor | undefined,
  sinks?: GraphTensor,
): GraphTensor {
  const sources = [q, k, v, mask, sinks].filter((source) => source !== undefined);
  return float("FLASH_ATTN_EXT", [v.ne[0], q.ne[2], q.ne[1], q.ne[3]], sources);
}

/** A row of numbers that are counted, not read. */
export function arange(count: number): GraphTensor {
  const ne = fourOf([count]);
  return new GraphTensor("ARANGE", F32, ne, contiguous(F32, ne), []);
}
