import type { GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type ExpertOptions, experts, gatingOf } from "./experts.ts";
import {
  type Activation,
  denseParts,
  type FeedForwardOptions,
  type FeedForwardParts,
  feedForward,
} from "./feed-forward.ts";

type Options = Pick<ExpertOptions, "limit" | "chosen"> & {
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
  const { activation = "silu", unscaled = false, denseLimit = "none" } = options;
  const parts = (name?: string): FeedForwardParts =>
    unscaled ? withoutScales(denseParts(block, name)) : denseParts(block, name);
  if (block.index < g.hp.number("leading_dense_block_count", 0))
    return feedForward(x, parts(), activation, { limit: denseLimit });
  const mixed = experts(g, block, x, { ...expertOptions(g, options), activation, unscaled });
  return add(mixed, feedForward(x, parts("_shexp"), activation, { limit: denseLimit }));
}

function expertOptions(
  g: GraphContext,
  { gating = "softmax", normalized, limit = "none", chosen }: Options,
): Omit<ExpertOptions, "activation"> {
  return {
    limit,
    ...(chosen && { chosen }),
    gating: gatingOf(g, gating),
    normalized: normalized ?? g.hp.flag("expert_weights_norm", false),
    weightScale: g.hp.number("expert_weights_scale", 0),
  };
}

/** Matrices whose scales the engine does not ask for. */
export function withoutScales({ up, gate, down }: FeedForwardParts): FeedForwardParts {
  const bare = (each: FeedForwardParts["up"]): FeedForwardParts["up"] =>
    each && { ...each, bias: undefined, scale: undefined };
  return { up: bare(up), gate: bare(gate), down: bare(down) };
}
