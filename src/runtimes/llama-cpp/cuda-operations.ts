import type { GraphTensor } from "./graph/tensor.ts";

/** Batches from this many rows on are computed on a GPU though their weights lie on the host (`ggml-cuda.cu`, offload_op). */
export const OFFLOADED_BATCH = 32;

/** What llama.cpp's CUDA backend brings to the device (`ggml/src/ggml-cuda/ggml-cuda.cu`, get_op_batch_size). */
export function offloadsToCuda({ operation, ne }: GraphTensor): boolean {
  return rowsOf(operation, ne) >= OFFLOADED_BATCH;
}

function rowsOf(operation: GraphTensor["operation"], ne: GraphTensor["ne"]): number {
  if (operation === "GET_ROWS") return 0;
  if (operation === "MUL_MAT") return ne[1];
  if (operation === "MUL_MAT_ID" || operation === "ROPE" || operation === "ROPE_BACK") return ne[2];
  return ne[1] * ne[2] * ne[3];
}

/** Head sizes that keys and values may have in CUDA's flash attention (`ggml-cuda/fattn.cu`, ggml_cuda_get_best_fattn_kernel). */
const HEAD_SIZES: ReadonlySet<number> = new Set([40, 64, 72, 80, 96, 112, 128, 256]);

/** True of every operation but flash attention without a kernel for its heads. */
export function attentionKernelExists({ operation, sources: [q, k, v] }: GraphTensor): boolean {
  if (operation !== "FLASH_ATTN_EXT" || q === undefined || k === undefined || v === undefined) return true;
  const keyDim = k.ne[0];
  const valueDim = v.ne[0];
  const headsPerKey = Math.floor(q.ne[2] / k.ne[2]);
  if (keyDim === 192) return valueDim === 128 && headsPerKey % 8 === 0;
  if (keyDim === 512 || keyDim === 576) return valueDim === 512 && headsPerKey >= 2;
  return keyDim === valueDim && HEAD_SIZES.has(keyDim);
}
