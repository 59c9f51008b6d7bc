import type { GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { putOut } from "./decoder.ts";
import { normedBy } from "./heads.ts";

/** Attention or feed-forward: hidden states to what is added to them. */
type Part = (x: GraphTensor) => GraphTensor;

export type ResidualParts = {
  readonly attention: Part;
  /** Is given the hidden states without the norm as well. */
  readonly feedForward: (x: GraphTensor, unnormed: GraphTensor) => GraphTensor;
  /** Name of the norm before the feed-forward. */
  readonly feedForwardNorm?: string;
  /** Norms after a part that are kept on the layer's device. */
  readonly kept?: { readonly attention: boolean; readonly feedForward: boolean };
  /** Where the last layer drops the tokens that are not put out: before the norm after attention, after it, or nowhere. */
  readonly dropsTokens?: "before norm" | "after norm" | "never";
};

/** Most architectures keep the norm after attention alone. */
const ATTENTION_KEPT = { attention: true, feedForward: false };

/**
 * A layer with attention and a feed-forward that are both added to the hidden states, `[hidden, tokens]` to the same; each
 * with a norm before, after or on both sides, as the file has them.
 */
export function residualLayer(g: GraphContext, block: BlockWeights, x: GraphTensor, parts: ResidualParts): GraphTensor {
  const { feedForwardNorm = "ffn_norm", kept = ATTENTION_KEPT, dropsTokens = "before norm" } = parts;
  const after = (name: string, y: GraphTensor, keeps: boolean): GraphTensor =>
    name === feedForwardNorm ? y : normedBy(g, block, name, y, keeps ? block.index : -1);
  const dropped = (y: GraphTensor): GraphTensor => (dropsTokens === "never" ? y : putOut(g, block, y));
  let y = parts.attention(normedBy(g, block, "attn_norm", x));
  if (dropsTokens === "before norm") y = dropped(y);
  y = after("post_attention_norm", y, kept.attention);
  if (dropsTokens === "after norm") y = dropped(y);
  const attended = add(y, dropped(x));
  const fed = parts.feedForward(normedBy(g, block, feedForwardNorm, attended), attended);
  return add(after("post_ffw_norm", fed, kept.feedForward), attended);
}
