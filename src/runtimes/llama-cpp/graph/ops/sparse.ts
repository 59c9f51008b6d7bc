import { contiguous, F32, type Four, GraphTensor } from "../tensor.ts";

/* Operations that choose what attention looks at (llama.cpp 0.5.0 `ggml/src/ggml.c:6421`). */

/** How well each cell answers each token, over all heads of an indexer: `[cells, tokens, 1, streams]`. */
export function lightningIndexer(q: GraphTensor, k: GraphTensor, weights: GraphTensor, mask: GraphTensor): GraphTensor {
  const ne: Four = [k.ne[2], q.ne[2], 1, q.ne[3]];
  return new GraphTensor("LIGHTNING_INDEXER", F32, ne, contiguous(F32, ne), [q, k, weights, mask]);
}

/** The largest of each run of elements (`ggml_pool_2d`, `GGML_OP_POOL_MAX`). */
export function maxOfRuns(x: GraphTensor, run: number): GraphTensor {
  const ne: Four = [Math.floor(x.ne[0] / run), x.ne[1], x.ne[2], x.ne[3]];
  return new GraphTensor("POOL_2D", F32, ne, contiguous(F32, ne), [x]);
}
