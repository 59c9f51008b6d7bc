import type { GraphContext } from "../context.ts";
import { add, mul, rmsNorm, softMax, sumRows } from "../ops/elementwise.ts";
import { mixStreams } from "../ops/hyper-connections.ts";
import { concat, cont, reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";

/** Sums of a few layers before, which later layers attend to (`res_push`, `res_mix` of `src/models/kimi-k3.cpp`). */
type CrossLayerResidual = {
  /** The sum mixed with those that were kept, by how well each answers the layer's scores. */
  mixed(x: GraphTensor, scores: GraphTensor | undefined): GraphTensor;
  keep(x: GraphTensor): void;
};

/** Nothing is kept of layers where `blockSize` is 0. */
export function crossLayerResidual({ tokens }: GraphContext, blockSize: number): CrossLayerResidual {
  let kept: GraphTensor | undefined;
  return {
    mixed(x, scores) {
      if (kept === undefined || scores === undefined || blockSize === 0) return x;
      const count = kept.ne[1];
      const answers = (y: GraphTensor): GraphTensor => sumRows(mul(rmsNorm(y), scores));
      const both = concat(reshape(answers(kept), count, tokens), answers(x), 0);
      const chances = softMax(both);
      const part = (size: number): GraphTensor => cont(view(chances, [size, tokens], [chances.nb[1]]));
      return add(mixStreams(kept, part(count)), mul(x, part(1)));
    },
    keep(x) {
      const one = reshape(x, x.ne[0], 1, tokens);
      kept = kept === undefined ? one : concat(kept, one, 1);
    },
  };
}
