import type { GraphContext } from "../context.ts";
import { add, scale } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type ExpertOptions, experts, gatingOf } from "./experts.ts";
import { denseParts, type FeedForwardParts, feedForward, limitOf, withoutScales } from "./feed-forward.ts";

/** How experts are chosen and weighted; their activation is silu where nothing else is said. */
export type Routing = Pick<ExpertOptions, "gating" | "normalized"> & Partial<ExpertOptions>;

/** What the file says; chances are sigmoids where it says nothing. */
export function routingInFile(g: GraphContext): Routing {
  return {
    gating: gatingOf(g, "sigmoid"),
    normalized: g.hp.flag("expert_weights_norm", false),
    weightScale: g.hp.number("expert_weights_scale", 0),
  };
}

type Options = {
  /** Of the experts and of those that every token is given to the mean is taken, not the sum. */
  readonly averaged?: boolean;
};

/**
 * Experts, beside them those that every token is given to where the file has some, or in a layer without a router a dense
 * feed-forward: `[hidden, tokens]` to the same.
 */
export function denseOrMixed(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  routing: Routing,
  { averaged = false }: Options = {},
): GraphTensor {
  const parts = (name = ""): FeedForwardParts => {
    const stored = denseParts(block, name);
    return routing.unscaled ? withoutScales(stored) : stored;
  };
  const limit = limitOf(g, "swiglu_clamp_shexp", block.index, false);
  if (block.weight("ffn_gate_inp") === undefined) return feedForward(x, parts(), "silu", { limit });
  const mixed = experts(g, block, x, { activation: "silu", ...routing });
  if (block.weight("ffn_up_shexp") === undefined) return mixed;
  const sum = add(mixed, feedForward(x, parts("_shexp"), "silu", { limit }));
  return averaged ? scale(sum) : sum;
}
