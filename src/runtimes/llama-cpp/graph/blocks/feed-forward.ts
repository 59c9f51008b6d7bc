import type { GraphContext } from "../context.ts";
import { add, clamp, div, gated, mul, sqr, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights, Projection } from "../weights.ts";
import { normOf } from "./norm.ts";
import { project } from "./projection.ts";

/**
 * `silu`, `gelu`, `relu`: a gate's, or where there is none the only one. `relu-squared`. `halves`: each row holds gate and
 * up (`LLM_FFN_SWIGLU`, `GEGLU`, `REGLU`). `swiglu-oai`: the clamped gate of gpt-oss.
 */
export type Activation = "silu" | "gelu" | "relu" | "relu-squared" | "halves" | "swiglu-oai";

type FeedForwardParts = {
  readonly up?: Projection | undefined;
  readonly gate?: Projection | undefined;
  readonly down?: Projection | undefined;
  /** What gelu's result is divided by (MPT). */
  readonly activationScales?: GraphTensor | undefined;
};

export type DenseOptions = {
  /** What the names of the matrices end in, such as `_shexp`. */
  readonly name?: string;
  /** The scales of NVFP4 matrices are read; most architectures do not pass them. */
  readonly scaled?: boolean;
  /** Biases are not read though the engine loads them. */
  readonly unbiased?: boolean;
};

/** The dense feed-forward of a layer, of the matrices that the file has, `ffn_sub_norm` before the last: `[hidden, tokens]` to the same. */
export function dense(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  activation: Activation,
  options: DenseOptions = {},
): GraphTensor {
  const limited = isLimited(g, "swiglu_clamp_shexp", block.index);
  const parts = denseParts(block, options);
  if (parts.down === undefined || block.weight("ffn_sub_norm") === undefined) {
    return feedForward(x, parts, activation, limited);
  }
  const inside = feedForward(x, { ...parts, down: undefined }, activation, limited);
  return project(parts.down, normOf(g, block, "ffn_sub_norm", inside));
}

/** The matrices of a dense block under their usual names. */
export function denseParts(
  block: BlockWeights,
  { name = "", scaled = false, unbiased = false }: DenseOptions = {},
): FeedForwardParts {
  const part = (which: string): Projection => {
    const { weight, bias, scale } = block.projection(`ffn_${which}${name}`);
    return { weight, bias: unbiased ? undefined : bias, scale: scaled ? scale : undefined };
  };
  return { up: part("up"), gate: part("gate"), down: part("down") };
}

/**
 * Up, gate and down with an activation between (`build_ffn`), `[hidden, tokens]` to the same; without `down` to the width
 * between. `limited`: gate and up are kept within a limit ({@link isLimited}).
 */
export function feedForward(
  x: GraphTensor,
  parts: FeedForwardParts,
  activation: Activation,
  limited = false,
): GraphTensor {
  const up = times(parts.up, x) ?? x;
  const gate = times(parts.gate, x);
  const y = activated(gate ?? up, gate && up, activation, limited, parts.activationScales);
  return times(parts.down, y) ?? y;
}

/** Bias, then scale: the other way round than `build_lora_mm` has it elsewhere. */
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
  limited: boolean,
  scales: GraphTensor | undefined,
): GraphTensor {
  if (activation === "halves") return gated(gate);
  if (activation === "relu-squared") return sqr(unary(gate));
  if (up === undefined) {
    const y = unary(gate);
    return activation === "gelu" && scales !== undefined ? div(y, scales) : y;
  }
  return gatedWithin(gate, up, limited && activation === "silu");
}

/** A gate times up, both within a limit where the model has one. */
export function gatedWithin(gate: GraphTensor, up: GraphTensor, limited: boolean): GraphTensor {
  if (!limited) return gated(gate, up);
  const clampedUp = clamp(up);
  return mul(clamp(unary(gate)), clampedUp);
}

/** Who clamps gate and up one after the other; the others that have limits do it in the operation of the gate. */
const LIMITED_IN_STEPS: ReadonlySet<string> = new Set(["bailingmoe3", "step35"]);

/** True where a layer has a limit by a key that has one for each (`build_ffn`, `build_moe_ffn`). */
export function isLimited(
  { hp }: GraphContext,
  key: "swiglu_clamp_exp" | "swiglu_clamp_shexp",
  layer: number,
): boolean {
  return LIMITED_IN_STEPS.has(hp.architecture) && hp.ofLayer(key, layer, 0) > 1e-6;
}
