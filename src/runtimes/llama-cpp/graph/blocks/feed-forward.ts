import type { GraphContext } from "../context.ts";
import { add, clamp, div, gated, mul, sqr, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights, Projection } from "../weights.ts";

/**
 * `silu`, `gelu`, `relu`: a gate's, or where there is none the only one. `relu-squared`. `halves`: each row holds gate and
 * up (`LLM_FFN_SWIGLU`, `GEGLU`, `REGLU`). `swiglu-oai`: the clamped gate of gpt-oss.
 */
export type Activation = "silu" | "gelu" | "relu" | "relu-squared" | "halves" | "swiglu-oai";

export type FeedForwardParts = {
  readonly up?: Projection | undefined;
  readonly gate?: Projection | undefined;
  readonly down?: Projection | undefined;
  /** What gelu's result is divided by (MPT). */
  readonly activationScales?: GraphTensor | undefined;
};

export type FeedForwardOptions = {
  /** The gate reads what up gave, not the input (`LLM_FFN_SEQ`). */
  readonly sequentialGate?: boolean;
  /** A limit on gate and up: none, clamped one after the other, or in one operation. */
  readonly limit?: "none" | "steps" | "fused";
};

/** The matrices of a dense block under their usual names. */
export function denseParts(block: BlockWeights, name = ""): FeedForwardParts {
  return {
    up: block.projection(`ffn_up${name}`),
    gate: block.projection(`ffn_gate${name}`),
    down: block.projection(`ffn_down${name}`),
  };
}

/** The same where the engine does not pass the scales of NVFP4 matrices. */
export function withoutScales({ up, gate, down, ...others }: FeedForwardParts): FeedForwardParts {
  const unscaled = (part: Projection | undefined): Projection | undefined => part && { ...part, scale: undefined };
  return { ...others, up: unscaled(up), gate: unscaled(gate), down: unscaled(down) };
}

/** The same of one that asks for no biases either. */
export function bareParts(block: BlockWeights, name = ""): FeedForwardParts {
  const bare = (part: string): Projection => ({
    weight: block.weight(`ffn_${part}${name}`),
    bias: undefined,
    scale: undefined,
  });
  return { up: bare("up"), gate: bare("gate"), down: bare("down") };
}

/** Up, gate and down with an activation between (`build_ffn`): product, bias, scale. */
export function feedForward(
  x: GraphTensor,
  parts: FeedForwardParts,
  activation: Activation,
  options: FeedForwardOptions = {},
): GraphTensor {
  const { sequentialGate = false, limit = "none" } = options;
  const up = times(parts.up, x) ?? x;
  const gate = times(parts.gate, sequentialGate ? up : x);
  const isParallel = gate !== undefined && !sequentialGate;
  const y = activated(gate ?? up, isParallel ? up : undefined, activation, limit, parts.activationScales);
  return times(parts.down, y) ?? y;
}

function times(projection: Projection | undefined, x: GraphTensor): GraphTensor | undefined {
  if (projection?.weight === undefined) return undefined;
  let y = mulMat(projection.weight, x);
  if (projection.bias !== undefined) y = add(y, projection.bias);
  return projection.scale === undefined ? y : mul(y, projection.scale);
}

function activated(
  gate: GraphTensor,
  up: GraphTensor | undefined,
  activation: Activation,
  limit: NonNullable<FeedForwardOptions["limit"]>,
  scales: GraphTensor | undefined,
): GraphTensor {
  if (activation === "halves") return up === undefined ? gated(gate) : mul(gated(gate), up);
  if (activation === "relu-squared") {
    const y = sqr(unary(gate));
    return up === undefined ? y : mul(y, up);
  }
  if (up === undefined) {
    const y = unary(gate);
    return activation === "gelu" && scales !== undefined ? div(y, scales) : y;
  }
  return gatedWithin(gate, up, activation === "silu" ? limit : "none");
}

/** A gate times up, both within a limit where the model has one. */
export function gatedWithin(gate: GraphTensor, up: GraphTensor, limit: "none" | "steps" | "fused"): GraphTensor {
  if (limit !== "steps") return gated(gate, up);
  const clampedUp = clamp(up);
  return mul(clamp(unary(gate)), clampedUp);
}

/** The limit of a layer, by a key that has one for each (`swiglu_clamp_exp`, `swiglu_clamp_shexp`). */
export function limitOf(g: GraphContext, key: string, layer: number, whole: boolean): "none" | "steps" | "fused" {
  if (!(g.hp.ofLayer(key, layer, 0) > 1e-6)) return "none";
  return whole ? "fused" : "steps";
}
