import type { GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type ExpertOptions, experts, gatingOf } from "./experts.ts";
import {
  type Activation,
  bareParts,
  denseParts,
  type FeedForwardOptions,
  type FeedForwardParts,
  feedForward,
} from "./feed-forward.ts";

type Options = Pick<ExpertOptions, "limit" | "chosen" | "keepsInput"> & {
  /** Weights of the chosen experts sum to 1. Default: what the file says. */
  readonly normalized?: boolean;
  /** The limit of dense layers and of the experts that all tokens are given to. */
  readonly denseLimit?: FeedForwardOptions["limit"];
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
  const { activation = "silu", denseLimit = "none" } = options;
  return feedForward(x, partsOf(block, options), activation, { limit: denseLimit });
}

/** Experts of which each token is given to some, beside those that it is given to always (`ffn_…_shexp`). */
export function mixture(g: GraphContext, block: BlockWeights, x: GraphTensor, options: Options = {}): GraphTensor {
  const { activation = "silu", denseLimit = "none" } = options;
  const mixed = experts(g, block, x, { ...expertOptions(g, options), activation });
  return add(mixed, feedForward(x, partsOf(block, options, "_shexp"), activation, { limit: denseLimit }));
}

function partsOf(block: BlockWeights, { unscaled }: Options, name?: string): FeedForwardParts {
  return unscaled ? bareParts(block, name) : denseParts(block, name);
}

function expertOptions(
  g: GraphContext,
  { gating = "softmax", normalized, limit = "none", chosen, unscaled = false, keepsInput = false }: Options,
): Omit<ExpertOptions, "activation"> {
  return {
    limit,
    unscaled,
    keepsInput,
    ...(chosen && { chosen }),
    gating: gatingOf(g, gating),
    normalized: normalized ?? g.hp.flag("expert_weights_norm", false),
    weightScale: g.hp.number("expert_weights_scale", 0),
  };
}
