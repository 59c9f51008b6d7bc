import type { GraphContext } from "../context.ts";
import { add, scale } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { putOut } from "./layers.ts";
import { type NormKind, normIfAny, normOf } from "./norm.ts";

/** What a feed-forward may read beside its normed hidden states: those without the norm, and those before the layer. */
export type Unnormed = { readonly sum: GraphTensor; readonly before: GraphTensor };

/** Attention and feed-forward: hidden states to what is added to them. */
export type ResidualParts = {
  readonly attention: (x: GraphTensor) => GraphTensor;
  readonly feedForward: (x: GraphTensor, unnormed: Unnormed) => GraphTensor;
};

export type ResidualOptions = {
  /** Default: `rms`. */
  readonly norm?: NormKind;
  /** Norms have no weights; elsewhere one without a weight is not there. */
  readonly unweightedNorms?: boolean;
  /** Name of the norm before the feed-forward. */
  readonly secondNorm?: string;
  /** After which part a norm is kept on the layer's device. Default: after attention, as most architectures have it. */
  readonly keptAfter?: "attention" | "both" | "neither";
  /** Where the last layer drops the tokens that are not put out: before the norm after attention, after it, or nowhere. */
  readonly dropsTokens?: "before norm" | "after norm" | "never";
  /** What attention and feed-forward give is multiplied with a number. */
  readonly scalesParts?: boolean;
  /** The sums whose first addend is the residual, not the part. */
  readonly residualFirst?: "attention" | "feed-forward" | "both";
  /** The feed-forward reads what the attention reads, and both are added in this order. */
  readonly beside?: Sum;
};

/** The order in which residual, attention and feed-forward are added. */
export type Sum = (x: GraphTensor, attended: GraphTensor, fed: GraphTensor) => GraphTensor;

/**
 * A layer with attention and a feed-forward that are both added to the hidden states, `[hidden, tokens]` to the same; each
 * with a norm before, after or on both sides, as the file has them.
 */
export function residualLayer(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  parts: ResidualParts,
  options: ResidualOptions = {},
): GraphTensor {
  if (options.beside !== undefined) return besideLayer(g, block, x, parts, options, options.beside);
  const { secondNorm = "ffn_norm", keptAfter = "attention", dropsTokens = "before norm" } = options;
  const after = (name: string, y: GraphTensor, isKept: boolean): GraphTensor =>
    name === secondNorm ? y : normIfAny(g, block, name, y, options.norm, isKept ? block.index : -1);
  let y = parts.attention(normBefore(g, block, "attn_norm", x, options));
  if (dropsTokens === "before norm") y = putOut(g, block, y);
  y = scaledPart(after("post_attention_norm", y, keptAfter !== "neither"), options);
  if (dropsTokens === "after norm") y = putOut(g, block, y);
  const rest = dropsTokens === "never" ? x : putOut(g, block, x);
  const sum = added("attention", rest, y, options);
  const fed = parts.feedForward(normBefore(g, block, secondNorm, sum, options), { sum, before: x });
  const z = scaledPart(after("post_ffw_norm", fed, keptAfter === "both"), options);
  return added("feed-forward", sum, z, options);
}

function added(
  part: "attention" | "feed-forward",
  residual: GraphTensor,
  y: GraphTensor,
  { residualFirst }: ResidualOptions,
): GraphTensor {
  return residualFirst === part || residualFirst === "both" ? add(residual, y) : add(y, residual);
}

/** Attention and feed-forward side by side. Each may have a norm of its own. */
function besideLayer(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  parts: ResidualParts,
  options: ResidualOptions,
  sum: Sum,
): GraphTensor {
  const { secondNorm = "ffn_norm", dropsTokens } = options;
  const dropped = (y: GraphTensor): GraphTensor => (dropsTokens === "never" ? y : putOut(g, block, y));
  const normed = normBefore(g, block, "attn_norm", x, options);
  const hasOwn = block.weight("attn_norm_2") !== undefined;
  const attended = dropped(parts.attention(hasOwn ? normBefore(g, block, "attn_norm_2", x, options) : normed));
  const rest = dropped(x);
  const isShared = block.weight(secondNorm) === undefined;
  const read = isShared ? dropped(normed) : normBefore(g, block, secondNorm, rest, options);
  return sum(rest, attended, parts.feedForward(read, { sum: rest, before: x }));
}

function normBefore(
  g: GraphContext,
  block: BlockWeights,
  name: string,
  x: GraphTensor,
  { norm: kind, unweightedNorms = false }: ResidualOptions,
): GraphTensor {
  return (unweightedNorms ? normOf : normIfAny)(g, block, name, x, kind);
}

function scaledPart(x: GraphTensor, { scalesParts = false }: ResidualOptions): GraphTensor {
  return scalesParts ? scale(x) : x;
}
