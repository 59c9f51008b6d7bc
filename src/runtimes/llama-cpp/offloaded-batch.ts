/** Batches from this many rows on are computed on a GPU, weights of the host brought there (`op_offload_min_batch_size` of CUDA and Metal). */
export const OFFLOADED_BATCH = 32;
