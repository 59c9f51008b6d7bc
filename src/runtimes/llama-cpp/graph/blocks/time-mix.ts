import type { GraphContext } from "../context.ts";
import { add, copyTo, l2Norm, layerNorm, mul, scale, sub, sumRows, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { gatedLinearAttention, rwkv6, rwkv7 } from "../ops/recurrences.ts";
import { cont, permute, repeat, reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { plus } from "./projection.ts";
import { bySequence, readStates, type StateRows } from "./recurrent-state.ts";

/** Mixes each token with those before it: `[hidden, tokens, sequences]` of the layer and of the predecessors to the same. */
export type TimeMix = (
  g: GraphContext,
  rows: StateRows,
  block: BlockWeights,
  x: GraphTensor,
  before: GraphTensor,
) => GraphTensor;

/**
 * RWKV 6; where there is no bonus for the first token, gated linear attention takes the place of its recurrence
 * (`src/models/rwkv6-base.cpp`, `build_rwkv6_time_mix`).
 */
export const timeMix6: TimeMix = (g, rows, block, x, before) => {
  const { size, heads } = headsOf(g);
  const { tokens } = g;
  const bonus = block.weight("time_mix_first");
  const [toDecay, toKey, toValue, toReceptance, toGate] = interpolations(g, block, x, before);
  const gate = unary(times(block, "gate", toGate));
  const receptance = reshape(biased(block, "receptance", toReceptance), size, heads, tokens);
  let key = shared(g, block, biased(block, "key", toKey));
  const value = shared(g, block, biased(block, "value", toValue));
  const low = unary(times(block, "decay_w1", toDecay));
  const rate = add(times(block, "decay_w2", low), block.need("time_mix_decay"));
  const decay = reshape(unary(unary(unary(rate))), size, heads, tokens);
  if (bonus === undefined) key = sub(key, mul(key, decay));
  const state = readStates(g, rows, g.caches.state(block.index, "linear"));
  const mixed =
    bonus === undefined
      ? gatedLinearAttention(key, value, receptance, decay, state)
      : rwkv6(key, value, receptance, bonus, decay, state);
  const y = keepLinear(g, block, mixed);
  const normed = bonus === undefined ? reshape(y, g.hp.hiddenSize, tokens) : normedByHead(g, block, y);
  return bySequence(g, times(block, "output", mul(normed, gate)));
};

/**
 * RWKV 7, whose values are mixed with those of the first layer (`src/models/rwkv7-base.cpp`, `build_rwkv7_time_mix`). Gives
 * the block of one graph.
 */
export function timeMix7(): TimeMix {
  let firstValue: GraphTensor | undefined;
  return (g, rows, block, x, before) => {
    const { size, heads } = headsOf(g);
    const { tokens } = g;
    const isGated = block.weight("time_mix_g1") !== undefined && block.weight("time_mix_g2") !== undefined;
    const difference = repeat(sub(before, x), x.ne[0], x.ne[1], x.ne[2], isGated ? 6 : 5);
    const mixes = add(mul(difference, block.need("time_mix_lerp_fused")), x);
    const mix = (): GraphTensor => view(mixes, [x.ne[0], tokens], [mixes.nb[1]]);
    const byHead = (y: GraphTensor): GraphTensor => reshape(y, size, heads, tokens);

    const receptance = byHead(times(block, "receptance", mix()));
    const rate = add(times(block, "w2", unary(times(block, "w1", mix()))), block.need("time_mix_w0"));
    const decay = byHead(unary(scale(unary(rate))));
    const toKey = times(block, "key", mix());
    const toValue = mix();
    let value = times(block, "value", toValue);
    if (firstValue === undefined) firstValue = value;
    else {
      const share = unary(add(times(block, "v2", times(block, "v1", toValue)), block.need("time_mix_v0")));
      value = add(value, mul(sub(firstValue, value), share));
    }
    const learning = unary(add(times(block, "a2", times(block, "a1", mix())), block.need("time_mix_a0")));
    const direction = l2Norm(byHead(mul(toKey, block.need("time_mix_k_k"))));
    const learned = mul(toKey, block.need("time_mix_k_a"));
    const key = byHead(add(toKey, sub(mul(learning, learned), learned)));
    const values = byHead(value);

    const state = readStates(g, rows, g.caches.state(block.index, "linear"));
    const added = mul(direction, byHead(learning));
    const mixed = rwkv7(receptance, decay, key, values, unary(direction), added, state);
    const out = keepLinear(g, block, mixed);
    const isNormed = block.weight("time_mix_ln") !== undefined && block.bias("time_mix_ln") !== undefined;
    let y = isNormed ? normedByHead(g, block, out) : reshape(out, g.hp.hiddenSize, tokens);
    const bonus = sumRows(mul(mul(key, receptance), reshape(block.need("time_mix_r_k"), size, heads)));
    y = add(y, reshape(mul(values, bonus), g.hp.hiddenSize, tokens));
    if (isGated) y = mul(y, times(block, "g2", unary(times(block, "g1", mix()))));
    return bySequence(g, times(block, "output", y));
  };
}

function headsOf(g: GraphContext): { readonly size: number; readonly heads: number } {
  const size = g.hp.number("wkv.head_size", 0);
  return { size, heads: g.hp.hiddenSize / size };
}

function times(block: BlockWeights, name: string, x: GraphTensor): GraphTensor {
  return mulMat(block.need(`time_mix_${name}`), x);
}

function biased(block: BlockWeights, name: string, x: GraphTensor): GraphTensor {
  return plus(times(block, name, x), block.bias(`time_mix_${name}`));
}

type Five = readonly [GraphTensor, GraphTensor, GraphTensor, GraphTensor, GraphTensor];

/** Between each token and its predecessor, by shares that depend on both: one row each for five projections. */
function interpolations(g: GraphContext, block: BlockWeights, x: GraphTensor, before: GraphTensor): Five {
  const { tokens } = g;
  const hidden = g.hp.hiddenSize;
  const difference = reshape(sub(before, x), hidden, tokens);
  const current = reshape(x, hidden, tokens);
  const down = block.need("time_mix_w1");
  const up = block.need("time_mix_w2");
  const low = unary(mulMat(down, add(mul(difference, block.need("time_mix_lerp_x")), current)));
  const split = cont(permute(reshape(low, down.ne[1] / 5, 1, 5, tokens), 0, 1, 3, 2));
  const shares = mulMat(reshape(up, up.ne[0], up.ne[1], 1, 5), split);
  const row = (of: GraphTensor): GraphTensor => view(of, [hidden, tokens], [of.nb[1]]);
  const fused = block.weight("time_mix_lerp_fused");
  if (fused !== undefined) {
    const by = reshape(difference, hidden, 1, tokens);
    const all = add(mul(add(shares, fused), by), reshape(current, hidden, 1, tokens));
    return [row(all), row(all), row(all), row(all), row(all)];
  }
  const one = (part: string): GraphTensor =>
    add(mul(add(row(shares), block.need(`time_mix_lerp_${part}`)), difference), current);
  return [one("w"), one("k"), one("v"), one("r"), one("g")];
}

/** Keys or values by head, repeated where several heads share them. */
function shared(g: GraphContext, { index }: BlockWeights, x: GraphTensor): GraphTensor {
  const { size, heads } = headsOf(g);
  const own = g.hp.kvHeads(index);
  const isShared = own !== 0 && own !== heads;
  const y = isShared ? repeat(reshape(x, size, 1, own, g.tokens), size, heads / own, own, g.tokens) : x;
  return reshape(y, size, heads, g.tokens);
}

/** Writes the states that a recurrence gives back; the rest are its outputs, in one row. */
function keepLinear(g: GraphContext, { index }: BlockWeights, mixed: GraphTensor): GraphTensor {
  const state = g.caches.state(index, "linear");
  const elements = state.ne[0] * g.sequences;
  g.expand(copyTo(view(mixed, [elements]), view(state, [elements])));
  return view(mixed, [g.hp.hiddenSize * g.tokens]);
}

function normedByHead(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { size, heads } = headsOf(g);
  const y = reshape(layerNorm(reshape(x, size, heads, g.tokens)), g.hp.hiddenSize, g.tokens);
  return plus(mul(y, block.need("time_mix_ln")), block.bias("time_mix_ln"));
}
