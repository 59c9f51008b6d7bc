import { padTo } from "../../pad.ts";
import { looksInto } from "../graph/ops/shapes.ts";
import type { GraphTensor } from "../graph/tensor.ts";

/**
 * Bytes of a node in Metal's buffers (llama.cpp 0.5.0 `ggml/src/ggml-metal/ggml-metal.cpp:220`,
 * ggml_backend_metal_buffer_type_get_alloc_size): behind some results lies what their kernels pass on to each other.
 */
export function metalBytes(node: GraphTensor): number {
  switch (node.operation) {
    case "MUL_MAT_ID":
      return node.bytes + expertScratch(node);
    case "FLASH_ATTN_EXT":
      return node.bytes + attentionScratch(node);
    case "ARGSORT":
      return 2 * node.bytes;
    case "TOP_K":
      return 8 * (node.sources[0]?.elements ?? 0);
    default:
      return node.bytes;
  }
}

/** Two factors, and one of each of 256 groups of threads (`N_MM_NPART_AMAX`). */
const FACTORS_BYTES = 8 + 4 * 256;

/** How many tokens each expert gets, and which; factors (`ggml_metal_op_mul_mat_id_extra_*`). */
function expertScratch({ sources: [matrices, , chosen] }: GraphTensor): number {
  if (matrices === undefined || chosen === undefined) return 0;
  return 4 * matrices.ne[2] * (1 + chosen.ne[1]) + FACTORS_BYTES;
}

/** Queries and cells that a group of threads attends to at once, of few queries and of many (`OP_FLASH_ATTN_EXT_*`). */
const FEW = { queries: 1, cells: 32 };
const MANY = { queries: 8, cells: 64 };

/** Groups of threads, at most, that share a query's cells, for this many queries at most. */
const SHARING_GROUPS = 32;
const SHARED_QUERIES = 32;

/** Quantized keys and values are turned to 16 bits for at least this many queries. */
const TURNED_QUERIES = 32;

/**
 * What attention needs beside its result (`ggml-metal-ops.cpp:3056`, ggml_metal_op_flash_attn_ext_extra_*). Most of it is
 * reserved whether or not the kernel that is taken needs it, so that a graph keeps its size.
 */
function attentionScratch(node: GraphTensor): number {
  const { sources } = node;
  const [q, k, v, mask] = sources;
  if (q === undefined || k === undefined || v === undefined) return 0;
  const queries = q.ne[1];
  const valuesAreKeys = looksInto(v, k);
  const isTurned = queries >= TURNED_QUERIES && k.type.blockElements > 1;
  const keyRow = isTurned ? 2 * k.ne[0] : k.nb[1];
  const valueRow = isTurned ? 2 * (valuesAreKeys ? k.ne[0] : v.ne[0]) : v.nb[1];
  const maskRows = mask === undefined ? 0 : mask.ne[1] * mask.ne[2] * mask.ne[3];
  const lastCells = MANY.cells * (keyRow * k.ne[2] * k.ne[3] + valueRow * v.ne[2] * v.ne[3] + 2 * maskRows);
  const shared = 4 * Math.min(queries, SHARED_QUERIES) * q.ne[2] * q.ne[3] * SHARING_GROUPS * (v.ne[0] + 2);
  const turned = padTo(2 * k.elements, 16) + (valuesAreKeys ? 0 : padTo(2 * v.elements, 16));
  return lastCells + blocksOfMask(q, mask) + shared + turned + listsOfCells(node, maskRows);
}

/** A byte for each block of the mask: whether anything of it is seen. */
function blocksOfMask({ ne }: GraphTensor, mask: GraphTensor | undefined): number {
  if (mask === undefined) return 0;
  const step = ne[1] < 20 && ne[0] % 32 === 0 ? FEW : MANY;
  const blocks = Math.ceil(ne[1] / step.queries) * Math.ceil(mask.ne[0] / step.cells);
  return padTo(blocks * mask.ne[2] * mask.ne[3], 32);
}

/** Sizes of keys and values whose kernel goes by a list of cells, and how long that is at most. */
const LISTED: ReadonlySet<string> = new Set([
  "32 32",
  "64 64",
  "96 96",
  "96 64",
  "128 128",
  "192 128",
  "192 192",
  "256 256",
  "320 256",
  "512 512",
  "576 512",
]);
const MOST_LISTED = 4096;

/** The numbers of the cells that each token sees, where those are few. */
function listsOfCells({ sources: [, k, v], mostCells = 0 }: GraphTensor, maskRows: number): number {
  const isListed = mostCells > 0 && mostCells <= MOST_LISTED && LISTED.has(`${k?.ne[0]} ${v?.ne[0]}`);
  return isListed ? padTo(4 * padTo(mostCells, FEW.cells) * maskRows, 16) : 0;
}
