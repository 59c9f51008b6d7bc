import type { GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type ExpertOptions, experts, gatingOf } from "./experts.ts";
import { type Activation, denseParts, type FeedForwardParts, feedForward } from "./feed-forward.ts";

type Options = Pick<ExpertOptions, "limit" | "chosen"> & {
  readonly gating?: ExpertOptions["gating"];
  readonly activation?: Activation;
  /** The scales of the matrices are not read though the file may have some. */
  readonly unscaled?: boolean;
};

/** The first layers are dense; those after them have experts, and some that every token is given to. */
export function denseOrMixture(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  options: Options = {},
): GraphTensor {
  if (block.index >= g.hp.number("leading_dense_block_count", 0)) return mixture(g, block, x, options);
  return feedForward(x, partsOf(block, options), options.activation ?? "silu");
}

/** Experts of which each token is given to some, beside those that it is given to always (`ffn_…_shexp`). */
export function mixture(g: GraphContext, block: BlockWeights, x: GraphTensor, options: Options = {}): GraphTensor {
  const { activation = "silu" } = options;
  const mixed = experts(g, block, x, { ...expertOptions(g, options), activation });
  return add(mixed, feedForward(x, partsOf(block, options, "_shexp"), activation));
}

function partsOf(block: BlockWeights, { unscaled }: Options, name?: string): FeedForwardParts {
  const parts = denseParts(block, name);
  return unscaled ? withoutScales(parts) : parts;
}

function expertOptions(g: GraphContext, { gating = "softmax", ...others }: Options): Omit<ExpertOptions, "activation"> {
  return {
    ...others,
    gating: gatingOf(g, gating),
    normalized: g.hp.flag("expert_weights_norm", false),
    weightScale: g.hp.number("expert_weights_scale", 0),
  };
}

/** Matrices whose scales the engine does not ask for. */
export function withoutScales({ up, gate, down }: FeedForwardParts): FeedForwardParts {
  const bare = (each: FeedForwardParts["up"]): FeedForwardParts["up"] =>
    each && { ...each, bias: undefined, scale: undefined };
  return { up: bare(up), gate: bare(gate), down: bare(down) };
}
