import { padTo } from "../../pad.ts";
import { looksInto } from "../graph/ops/shapes.ts";
import type { GraphTensor } from "../graph/tensor.ts";
import { hasCudaKernelFor } from "./kernels.ts";

/**
 * CUDA's flash attention on devices of compute capability 8.9 and newer (llama.cpp 0.5.0 `ggml/src/ggml-cuda/fattn.cu`,
 * ggml_cuda_get_best_fattn_kernel). `tiles` reads 16-bit keys and values only; `vectors` some others as they are.
 */
export type AttentionKernel = "tiles" | "vectors";

/** Other sizes of keys: the size of their values, and what the number of query heads to one key head is a multiple of. */
const OTHER_HEADS: ReadonlyMap<number, readonly [valueDim: number, multiple: number]> = new Map([
  [192, [128, 8]],
  [320, [256, 32]],
  [512, [512, 1]],
  [576, [512, 1]],
]);

/** Types of a cache that its kernels read, of attention and of an indexer (`lightning-indexer.cu:575`). */
export const ATTENDED_BY_CUDA: ReadonlySet<string> = new Set("F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0".split(" "));

/** Pairs of key and value types whose kernel is compiled unless asked for otherwise (`GGML_CUDA_FA_QUANTS`). */
const COMPILED: ReadonlySet<string> = new Set(["Q4_0 Q4_0", "Q8_0 Q8_0", "F16 F16", "BF16 BF16"]);

/** Cells are read in steps of this many (`FATTN_KQ_STRIDE`). */
export const CELL_STEP = 256;

/** The kernel that a node is computed by; undefined where there is none, and the CPU attends. */
export function attentionKernel({ sources }: GraphTensor): AttentionKernel | undefined {
  const [q, k, v, mask] = sources;
  if (q === undefined || k === undefined || v === undefined) return undefined;
  const keyDim = k.ne[0];
  const headsPerKey = Math.floor(q.ne[2] / k.ne[2]);
  const isGrouped = headsPerKey >= 2 && readsHeadsTogether([q, k, v, mask]);
  const other = OTHER_HEADS.get(keyDim);
  const fits = other
    ? isGrouped && v.ne[0] === other[0] && headsPerKey % other[1] === 0
    : hasCudaKernelFor(keyDim) && v.ne[0] === keyDim;
  if (!fits || !ATTENDED_BY_CUDA.has(k.type.name) || !ATTENDED_BY_CUDA.has(v.type.name)) return undefined;
  const tokens = q.ne[1];
  const hasVectors = keyDim <= 256 && keyDim % 64 === 0 && keyDim !== 192 && k.ne[1] % CELL_STEP === 0;
  if (!hasVectors) return "tiles";
  if (!isGrouped && tokens === 1) return "vectors";
  const isQuantized = k.type.blockElements > 1 || v.type.blockElements > 1;
  if (isQuantized) return tokens <= 2 ? "vectors" : "tiles";
  const isLong = headsPerKey > 4 && (keyDim >= 256 || k.ne[1] >= 8192);
  return tokens === 1 && q.ne[3] === 1 && !isLong ? "vectors" : "tiles";
}

/** Whether query heads of one key head are attended together, where there are several: under a mask, over whole steps of cells. */
export function readsHeadsTogether([q, k, v, mask]: readonly (GraphTensor | undefined)[]): boolean {
  if (q === undefined || k === undefined || v === undefined || mask === undefined) return false;
  return k.ne[1] % CELL_STEP === 0 && areAligned([q, k, v, mask]);
}

/** Strides of rows and planes are read 16 bytes at a time. */
function areAligned(tensors: readonly GraphTensor[]): boolean {
  return tensors.every(
    ({ type, nb: [, row, head, batch] }) =>
      type.blockElements > 1 || (row % 16 === 0 && head % 16 === 0 && batch % 16 === 0),
  );
}

/**
 * Bytes of the result and, behind it, of 16-bit copies of the keys and values that the kernel does not read as they are
 * (`ggml_cuda_flash_attn_ext_get_alloc_size`).
 */
export function attentionBytes(node: GraphTensor): number {
  const [, k, v] = node.sources;
  const kernel = attentionKernel(node);
  if (k === undefined || v === undefined || kernel === undefined) return node.bytes;
  const isRead = kernel === "vectors" && COMPILED.has(`${k.type.name} ${v.type.name}`);
  if (isRead) return node.bytes;
  let end = node.bytes;
  for (const cache of looksInto(v, k) ? [k] : [k, v]) {
    if (cache.type.name !== "F16") end = padTo(end, 128) + 2 * cache.elements;
  }
  return end;
}
