import { CannotDraw } from "../cannot-draw.ts";
import type { GraphContext } from "../context.ts";
import {
  add,
  addOfExperts,
  cast,
  clamp,
  div,
  fill,
  mul,
  scale,
  softMax,
  sqr,
  sqrt,
  sumRows,
  unary,
} from "../ops/elementwise.ts";
import { argsortTopK, getRows, mulMat, mulMatOfExperts, setRows } from "../ops/products.ts";
import { cont, repeat, reshape, view } from "../ops/shapes.ts";
import { F32, type GraphTensor, I32 } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type Activation, gatedWithin, isLimited } from "./feed-forward.ts";
import { plus } from "./projection.ts";

/** How logits become probabilities: `expert_gating_func` of the file, or what the architecture fixes. */
type Gating = "softmax" | "sigmoid" | "softmax-of-chosen" | "sqrt-softplus";

export type ExpertOptions = {
  /** Default: `softmax`. */
  readonly gating?: Gating;
  /** Default: `silu`. */
  readonly activation?: Activation | "situ";
  /** Weights of the chosen experts are made to sum to 1. Default: true. */
  readonly normalized?: boolean;
  /** They are multiplied with a number (`expert_weights_scale`): not where it is 0 or 1. */
  readonly weightScale?: number;
  readonly expertCount?: number;
  readonly used?: number;
  /** Probabilities that are given (`probs_in`): there is no router. */
  readonly probabilities?: GraphTensor;
  /** Experts that are given (`selected_experts_in`). */
  readonly chosen?: GraphTensor;
  /** Name of the matrices, between `ffn_up_` and `.weight`. */
  readonly name?: string;
  /** The scales of NVFP4 matrices are read; most architectures do not pass them. */
  readonly scaled?: boolean;
  /** Weighted before the experts, not after (Llama 4). */
  readonly weighsBefore?: boolean;
  /** What is chosen by, where it is not the probabilities: the logits (Llama 4) or their sigmoid (GroveMoE). */
  readonly chosenBy?: "logits" | "sigmoid";
  /** Experts share chunks of this many, of which GroveMoE has a second set. */
  readonly sharedBy?: number;
  /** What goes into the last product exceeds 16 bits (Mistral 4). */
  readonly keepsInput?: boolean;
  /** The second half of `situ` is bounded as well. */
  readonly boundsUp?: boolean;
};

/** The name of a gating function by its number in the file (`llama_expert_gating_func_type`). */
export function gatingOf(g: GraphContext, otherwise: Gating): Gating {
  const named: readonly Gating[] = ["softmax", "sigmoid", "softmax-of-chosen", "sqrt-softplus"];
  return named[g.hp.number("expert_gating_func", 0) - 1] ?? otherwise;
}

/** How experts are chosen and weighted. */
type Routing = Required<Pick<ExpertOptions, "gating" | "normalized" | "weightScale">>;

/** How experts are chosen and weighted by what the file says; `gating` is how where it says nothing. */
export function routingInFile(g: GraphContext, gating: Gating): Routing {
  return {
    gating: gatingOf(g, gating),
    normalized: g.hp.flag("expert_weights_norm", false),
    weightScale: g.hp.number("expert_weights_scale", 0),
  };
}

/** A mixture of experts: `[hidden, tokens]` to the same (`build_moe_ffn`). */
export function experts(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  options: ExpertOptions = {},
): GraphTensor {
  const { expertCount = g.hp.expertCount(), used = g.hp.expertsUsed(), weighsBefore = false } = options;
  const [hidden, tokens] = x.ne;
  const logits = routerLogits(block, x, options);
  const probabilities = probabilitiesOf(logits, options.gating ?? "softmax");
  let chosen =
    options.chosen ?? argsortTopK(choosingScores(g, block, logits, probabilities, expertCount, options), used);
  let scores: GraphTensor;
  if (options.sharedBy === undefined) scores = reshape(probabilities, 1, expertCount, tokens);
  else {
    chosen = cast(scale(cast(chosen, F32)), I32);
    scores = reshape(probabilities, 1, g.hp.expertCount(), tokens);
  }
  const weights = chosenWeights(getRows(scores, chosen), used, tokens, options);
  g.expand(weights);
  let rows = reshape(x, hidden, 1, tokens);
  if (weighsBefore) rows = mul(repeat(rows, hidden, used, tokens, 1), weights);
  let y = times(matrixOf(block, "down", options), insideExperts(g, block, rows, chosen, options), chosen, options);
  if (!weighsBefore) y = mul(y, weights);
  g.expand(y);
  return sumOfExperts(g, y, hidden, tokens, g.hp.expertsUsed(block.index));
}

function routerLogits(block: BlockWeights, x: GraphTensor, { probabilities, gating }: ExpertOptions): GraphTensor {
  const logits = probabilities ?? mulMat(block.need("ffn_gate_inp"), x);
  if (probabilities === undefined && gating === "sqrt-softplus") logits.keepsSums = true;
  return plus(logits, block.bias("ffn_gate_inp"));
}

function probabilitiesOf(logits: GraphTensor, gating: Gating): GraphTensor {
  if (gating === "softmax") return softMax(logits);
  if (gating === "sigmoid") return unary(logits);
  return gating === "softmax-of-chosen" ? logits : sqrt(unary(logits));
}

/** What experts are chosen by: with a bias, and only in the groups that have the best two. */
function choosingScores(
  g: GraphContext,
  block: BlockWeights,
  logits: GraphTensor,
  probabilities: GraphTensor,
  expertCount: number,
  { chosenBy }: ExpertOptions,
): GraphTensor {
  const bias = block.bias("exp_probs_b") ?? block.plain("exp_probs_b");
  let scores = plus(probabilities, bias);
  if (chosenBy === "logits") scores = logits;
  if (chosenBy === "sigmoid") scores = unary(logits);
  const count = g.hp.number("expert_group_count", 0);
  return count > 1 ? withinGroups(scores, expertCount, count, g.hp.number("expert_group_used_count", 0)) : scores;
}

function withinGroups(scores: GraphTensor, expertCount: number, count: number, used: number): GraphTensor {
  const tokens = scores.ne[1];
  const groups = reshape(scores, expertCount / count, count, tokens);
  const bestTwo = argsortTopK(groups, 2);
  const best = getRows(reshape(groups, 1, groups.ne[0], groups.ne[1], groups.ne[2]), bestTwo);
  const sums = sumRows(reshape(best, best.ne[1], best.ne[2], best.ne[3]));
  const chosen = argsortTopK(reshape(sums, sums.ne[1], sums.ne[2]), used);
  const kept = getRows(groups, chosen);
  return reshape(setRows(fill(groups), kept, chosen), expertCount, tokens);
}

function chosenWeights(
  scores: GraphTensor,
  used: number,
  tokens: number,
  { gating, normalized = true, weightScale = 0 }: ExpertOptions,
): GraphTensor {
  let weights = scores;
  if (gating === "softmax-of-chosen") weights = reshape(softMax(reshape(weights, used, tokens)), 1, used, tokens);
  if (normalized) {
    const rows = reshape(weights, used, tokens);
    weights = reshape(div(rows, clamp(sumRows(rows))), 1, used, tokens);
  }
  return weightScale !== 0 && weightScale !== 1 ? scale(weights) : weights;
}

type ExpertMatrices = ReturnType<BlockWeights["projection"]>;

function matrixOf(block: BlockWeights, part: string, { name = "exps", scaled = false }: ExpertOptions): ExpertMatrices {
  const matrix = block.projection(`ffn_${part}_${name}`);
  return scaled ? matrix : { ...matrix, scale: undefined };
}

/** A product with the matrices of the chosen experts, their scales and their biases (`build_lora_mm_id`). */
function times(
  { weight, bias, scale: scales }: ExpertMatrices,
  x: GraphTensor,
  chosen: GraphTensor,
  { keepsInput = false }: Pick<ExpertOptions, "keepsInput"> = {},
): GraphTensor {
  if (weight === undefined) throw new CannotDraw("experts without a matrix");
  let y = mulMatOfExperts(weight, x, chosen);
  y.keepsInput = keepsInput;
  if (scales !== undefined) {
    const count = scales.ne[0];
    const each = repeat(reshape(scales, 1, count, 1), 1, count, x.ne[2], 1);
    y = mul(y, getRows(each, chosen));
  }
  return bias === undefined ? y : addOfExperts(y, bias, chosen);
}

function insideExperts(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  chosen: GraphTensor,
  options: ExpertOptions,
): GraphTensor {
  const { activation = "silu", boundsUp = false } = options;
  const limited = isLimited(g, "swiglu_clamp_exp", block.index);
  const matrix = (part: string): ExpertMatrices => matrixOf(block, part, options);
  const joint = matrix("gate_up");
  if (joint.weight !== undefined) {
    const both = times({ ...joint, scale: matrix("up").scale }, x, chosen);
    const half = (): GraphTensor => view(both, [both.ne[0] / 2, both.ne[1], both.ne[2]], [both.nb[1], both.nb[2]]);
    return activatedExperts(half(), half(), activation, false, boundsUp);
  }
  const up = times(matrix("up"), x, chosen);
  const gate = matrix("gate");
  if (gate.weight === undefined) return activatedExperts(up, undefined, activation, limited, boundsUp);
  return activatedExperts(times(gate, x, chosen), up, activation, limited, boundsUp);
}

function activatedExperts(
  gate: GraphTensor,
  up: GraphTensor | undefined,
  activation: Activation | "situ",
  limited: boolean,
  boundsUp: boolean,
): GraphTensor {
  if (activation === "situ" && up !== undefined) return situ(gate, up, boundsUp);
  if (activation === "relu-squared") return sqr(unary(gate));
  if (up === undefined) return unary(gate);
  return gatedWithin(gate, up, limited && activation === "silu");
}

/** The experts of each token are added one after the other. */
function sumOfExperts(g: GraphContext, y: GraphTensor, hidden: number, tokens: number, used: number): GraphTensor {
  const parts = Array.from({ length: used }, () => g.expand(view(y, [hidden, tokens], [y.nb[2]])));
  const [first, ...others] = parts;
  if (first === undefined) throw new CannotDraw("no expert is used");
  if (others.length === 0) return cont(first);
  return others.reduce((sum, part) => g.expand(add(sum, part)), first);
}

/** A bent gate times its sigmoid, times up, which may be bent as well (`kimi_k3_situ`). */
export function situ(gate: GraphTensor, up: GraphTensor, boundsUp: boolean): GraphTensor {
  const bent = (x: GraphTensor): GraphTensor => scale(unary(scale(x)));
  return mul(mul(bent(gate), unary(gate)), boundsUp ? bent(up) : up);
}
