import type { GraphContext } from "../context.ts";
import { getRows } from "../ops/products.ts";
import { cont, permute, reshape } from "../ops/shapes.ts";
import { type GraphTensor, I32, inputTensor } from "../tensor.ts";

/** The bucket of the distance between each token and each that it may see, `[seen, tokens]` (`build_inp_pos_bucket_*`). */
export function distanceBuckets(g: GraphContext, seen: number): GraphTensor {
  return inputTensor(I32, [seen, g.tokens]);
}

/** What each head adds to the scores by their distance, `[seen, tokens, heads]` (`build_pos_bias`). */
export function distanceBias(buckets: GraphTensor, table: GraphTensor): GraphTensor {
  const [seen, tokens] = buckets.ne;
  const rows = getRows(table, reshape(buckets, seen * tokens));
  return cont(permute(reshape(rows, rows.ne[0], seen, tokens), 2, 0, 1, 3));
}
