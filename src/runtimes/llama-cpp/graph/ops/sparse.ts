import { contiguous, F32, type Four, GraphTensor } from "../tensor.ts";

/** Scores of all cells for each token: `[cells, tokens, 1, streams]` (`ggml_lightning_indexer`, `ggml/src/ggml.c`). */
export function lightningIndexer(q: GraphTensor, k: GraphTensor, weights: GraphTensor, mask: GraphTensor): GraphTensor {
  const ne: Four = [k.ne[2], q.ne[2], 1, q.ne[3]];
  return new GraphTensor("LIGHTNING_INDEXER", F32, ne, contiguous(F32, ne), [q, k, weights, mask]);
}
