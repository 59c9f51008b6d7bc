import type { GraphContext } from "../context.ts";
import { add, copyTo, mul, rmsNorm, scale, unary } from "../ops/elementwise.ts";
import { convolution, gatedDeltaNet } from "../ops/recurrences.ts";
import { concat, cont, repeat, reshape, transpose, view } from "../ops/shapes.ts";
import { type GraphTensor, rowBytes } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { normOf } from "./norm.ts";
import { project, projectUnscaled, unbiased } from "./projection.ts";
import { keepColumns, readStates, type StateRows } from "./recurrent-state.ts";

/** What the delta rule reads: `[head, heads, tokens, sequences]` each, one or `head` decays, one beta, and the states before. */
type DeltaRule = {
  readonly q: GraphTensor;
  readonly k: GraphTensor;
  readonly v: GraphTensor;
  readonly decay: GraphTensor;
  readonly beta: GraphTensor;
  /** `[head, head, heads, sequences]`. */
  readonly state: GraphTensor;
};

/** The delta rule over all tokens: `[head, heads, tokens, sequences]`; the states after it are kept in `states` (`build_recurrent_attn`). */
export function attendByDelta(
  g: GraphContext,
  states: GraphTensor,
  rule: DeltaRule,
  { joinsStates = false }: { readonly joinsStates?: boolean | undefined } = {},
): GraphTensor {
  const { v, state } = rule;
  const [dim, heads, tokens, sequences] = v.ne;
  const kept = g.caches.statesKept;
  const both = gatedDeltaNet(rule.q, rule.k, v, rule.decay, rule.beta, state, kept);
  const row = rowBytes(both.type, dim);
  const elements = dim * dim * heads;
  const output = view(both, [dim, heads, tokens, sequences], [row, row * heads, row * heads * tokens]);
  if (kept === 1) {
    const after = view(both, state.ne, [row, row * dim, row * dim * heads]);
    const place = joinsStates
      ? view(states, [elements * sequences])
      : view(states, [elements, sequences], [states.nb[1]]);
    g.expand(copyTo(after, place));
    return output;
  }
  const shape = [elements, sequences, Math.min(tokens, kept)];
  const after = view(both, shape, [rowBytes(both.type, elements), rowBytes(both.type, elements * sequences)]);
  const held = g.subject.settings.sequences;
  g.expand(copyTo(after, view(states, shape, [states.nb[1], held * states.nb[1]])));
  return output;
}

/**
 * The tokens after the last ones of before, `[taps + tokens, channels, sequences]`; the new last ones are kept in their
 * place (`build_conv_state`).
 */
export function afterHistory(
  g: GraphContext,
  rows: StateRows,
  states: GraphTensor,
  x: GraphTensor,
  { isCopied = false }: { readonly isCopied?: boolean } = {},
): GraphTensor {
  const [channels, , sequences] = x.ne;
  const taps = states.ne[0] / channels;
  const history = reshape(readStates(g, rows, states), taps, channels, sequences);
  const joined = concat(history, transpose(x), 0);
  if (!isCopied) keepColumns(g, states, joined, taps, g.caches.statesKept);
  for (let back = 0; isCopied && back < g.caches.statesKept; back++) {
    const tail = view(joined, [taps, channels, sequences], [joined.nb[1], joined.nb[2]]);
    g.expand(copyTo(cont(tail), view(states, [taps * channels, sequences], [states.nb[1]])));
  }
  return joined;
}

/** Queries and keys are of length 1 (`build_gdn_l2_norm`). */
export function unitLength(x: GraphTensor): GraphTensor {
  return scale(rmsNorm(x));
}

/** Where architectures with a gated delta net differ. */
export type GatedDeltaOptions = {
  /** Betas and decays come of one matrix, `ssm_ba`, and the products with matrices have no scales (Qwen3-Next). */
  readonly isJoint?: boolean;
  /** The last tokens are copied before they are kept (Qwen 4). */
  readonly copiesHistory?: boolean;
};

/** A layer of linear attention by a gated delta net, `[hidden, tokens]` to the same (`build_layer_attn_linear`). */
export function gatedDeltaNetLayer(
  g: GraphContext,
  rows: StateRows,
  block: BlockWeights,
  x: GraphTensor,
  { isJoint = false, copiesHistory = false }: GatedDeltaOptions,
): GraphTensor {
  const { hp, sequences } = g;
  const tokens = g.tokens / sequences;
  const heads = hp.number("ssm.time_step_rank", 0);
  const keyHeads = hp.number("ssm.group_count", 0);
  const keyDim = hp.number("ssm.state_size", 0);
  const valueDim = hp.number("ssm.inner_size", 0) / heads;
  const times: Times = (name, y = x) => {
    const matrix = unbiased(block.projection(name));
    return (isJoint ? projectUnscaled : project)(matrix, y);
  };
  const { mixed, z } = mixedAndGate(g, block, times);
  const { beta, alpha } = isJoint ? jointBetaAlpha(g, times) : betaAlpha(g, times);
  const biased = add(alpha, block.needPlain("ssm_dt.bias"));
  const decay = reshape(mul(unary(biased), block.needPlain("ssm_a")), 1, heads, tokens, sequences);
  const states = g.caches.state(block.index, "ssm");
  const joined = afterHistory(g, rows, g.caches.state(block.index, "convolution"), mixed, { isCopied: copiesHistory });
  const state = reshape(readStates(g, rows, states), valueDim, valueDim, heads, sequences);
  const convolved = unary(convolution(joined, block.need("ssm_conv1d")));
  const row = rowBytes(convolved.type, convolved.ne[0]);
  const part = (dim: number, count: number): GraphTensor =>
    view(convolved, [dim, count, tokens, sequences], [rowBytes(convolved.type, dim), row, row * tokens]);
  const repeated = (y: GraphTensor): GraphTensor => (isJoint && keyHeads !== heads ? interleaved(y, heads) : y);
  const q = repeated(unitLength(part(keyDim, keyHeads)));
  const k = repeated(unitLength(part(keyDim, keyHeads)));
  const output = attendByDelta(g, states, { q, k, v: part(valueDim, heads), decay, beta, state });
  const gate = unary(reshape(z, valueDim, heads, tokens, sequences));
  const y = mul(normOf(g, block, "ssm_norm", output), gate);
  const flat = reshape(y, valueDim * heads, tokens, sequences);
  return reshape(times("ssm_out", flat), hp.hiddenSize, g.tokens);
}

/** A product with a matrix of the block: of the layer's input unless another is given. */
type Times = (name: string, y?: GraphTensor) => GraphTensor;

/** Queries, keys and values in one, and the gate; older files of Qwen3-Next have all four in one matrix, by key head. */
function mixedAndGate(g: GraphContext, block: BlockWeights, times: Times): { mixed: GraphTensor; z: GraphTensor } {
  const tokens = g.tokens / g.sequences;
  if (block.weight("attn_qkv") !== undefined) {
    const product = times("attn_qkv");
    const mixed = reshape(product, product.ne[0], tokens, g.sequences);
    return { mixed, z: times("attn_gate") };
  }
  const { hp } = g;
  const keyHeads = hp.number("ssm.group_count", 0);
  const keyDim = hp.number("ssm.state_size", 0);
  const valueDim = hp.number("ssm.inner_size", 0) / keyHeads;
  const all = reshape(times("ssm_in"), 2 * (keyDim + valueDim), keyHeads, tokens, g.sequences);
  const part = (dim: number): GraphTensor =>
    view(all, [dim, keyHeads, tokens, g.sequences], [all.nb[1], all.nb[2], all.nb[3]]);
  const rows = (dim: number): GraphTensor => cont(part(dim), dim * keyHeads, tokens, g.sequences);
  const mixed = concat(concat(rows(keyDim), rows(keyDim), 0), rows(valueDim), 0);
  return { mixed, z: cont(part(valueDim)) };
}

function betaAlpha(g: GraphContext, times: Times): { beta: GraphTensor; alpha: GraphTensor } {
  const tokens = g.tokens / g.sequences;
  const heads = g.hp.number("ssm.time_step_rank", 0);
  const beta = unary(reshape(times("ssm_beta"), 1, heads, tokens, g.sequences));
  return { beta, alpha: reshape(times("ssm_alpha"), heads, tokens, g.sequences) };
}

function jointBetaAlpha(g: GraphContext, times: Times): { beta: GraphTensor; alpha: GraphTensor } {
  const tokens = g.tokens / g.sequences;
  const heads = g.hp.number("ssm.time_step_rank", 0);
  const keyHeads = g.hp.number("ssm.group_count", 0);
  const each = heads / keyHeads;
  const both = reshape(times("ssm_ba"), 2 * each, keyHeads, tokens, g.sequences);
  const half = (): GraphTensor =>
    view(both, [each, keyHeads, tokens, g.sequences], [both.nb[1], both.nb[2], both.nb[3]]);
  const beta = reshape(unary(cont(half())), 1, heads, tokens, g.sequences);
  return { beta, alpha: cont(half(), heads, tokens, g.sequences) };
}

/** Each key head as often as value heads read it, one beside the other. */
function interleaved(x: GraphTensor, heads: number): GraphTensor {
  const [dim, keyHeads, tokens, sequences] = x.ne;
  const apart = reshape(x, dim, 1, keyHeads, tokens * sequences);
  return reshape(repeat(apart, dim, heads / keyHeads, keyHeads, tokens * sequences), dim, heads, tokens, sequences);
}
