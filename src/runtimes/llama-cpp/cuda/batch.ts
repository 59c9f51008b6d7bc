/** Batches from this many rows on are computed on a GPU, weights of the host brought there (`ggml-cuda.cu`, offload_op). */
export const OFFLOADED_BATCH = 32;
