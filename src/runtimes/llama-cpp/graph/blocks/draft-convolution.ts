import type { GraphContext } from "../context.ts";
import { add, filled, mul } from "../ops/elementwise.ts";
import { concat, cont, isContiguous, repeat, reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";

/**
 * A convolution over the tokens of each block, with weights that depend on the token: those of its group of elements, added
 * to those of the layer, `base` (`build_dflash2_conv`, `src/models/dflash.cpp`). `[hidden, tokens]` to the same.
 */
export function dynamicConvolution(
  g: GraphContext,
  x: GraphTensor,
  dynamic: GraphTensor,
  base: GraphTensor,
): GraphTensor {
  const [hidden, tokens] = x.ne;
  const width = g.hp.count("conv_kernel_size");
  const groupSize = g.hp.number("conv_group_size", 0);
  const groups = hidden / groupSize;
  const perBlock = tokens / g.sequences;
  const blocks = reshape(isContiguous(x) ? x : cont(x, hidden, tokens), hidden, perBlock, g.sequences);
  const coefficients = reshape(dynamic, groups, width, 2, tokens);
  const side = cont(view(coefficients, [groups, width, tokens], [coefficients.nb[1], coefficients.nb[3]]));
  const spread = repeat(reshape(side, 1, groups, width, tokens), groupSize, groups, width, tokens);
  const weights = add(spread, reshape(view(base, [hidden * width]), groupSize, groups, width, 1));
  const taps = Array.from({ length: width }, (_, tap) => {
    const values = reshape(delayed(blocks, tap), hidden, tokens);
    const strides = [weights.nb[1], weights.nb[2], weights.nb[3]];
    return mul(reshape(cont(view(weights, [groupSize, groups, 1, tokens], strides)), hidden, tokens), values);
  });
  return taps.reduce((sum, tap) => add(sum, tap));
}

/** Each block's tokens some places later, after zeros. */
function delayed(blocks: GraphTensor, places: number): GraphTensor {
  if (places === 0) return blocks;
  const [hidden, size, count] = blocks.ne;
  const zeros = filled([hidden, Math.min(places, size), count]);
  if (places >= size) return zeros;
  return concat(zeros, view(blocks, [hidden, size - places, count], [blocks.nb[1], blocks.nb[2]]), 1);
}
