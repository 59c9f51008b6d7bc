import type { GraphContext } from "../context.ts";
import { add, copyTo, mul, scale, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { convolution } from "../ops/recurrences.ts";
import { concat, cont, reshape, transpose, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import { type BlockWeights, MissingWeight } from "../weights.ts";
import { attendByDelta, unitLength } from "./delta-net.ts";
import { normOf } from "./norm.ts";
import { readStates, type StateRows, writtenStates } from "./recurrent-state.ts";

/** Where architectures with Kimi's delta attention differ. */
export type KimiDeltaOptions = {
  /**
   * How the decay of each channel follows: a softplus; a sigmoid between 0 and a lower bound, of the negated product with
   * `ssm_a`; or of that product itself.
   */
  readonly decay: "softplus" | "negated-sigmoid" | "sigmoid";
  /** Matrices of the gate, one after the other. */
  readonly gate: readonly string[];
  /** The gate reads the tokens by sequence and flat again. */
  readonly reshapesGate?: boolean;
  /** States after fewer tokens than there are in the batch are not written. */
  readonly keepsWritten?: boolean;
  /** The states of all sequences are written as one row. */
  readonly joinsStates?: boolean;
};

/** A layer of Kimi delta attention, `[hidden, tokens]` to the same: a delta rule whose channels decay each by itself. */
export function kimiDeltaLayer(
  g: GraphContext,
  rows: StateRows,
  block: BlockWeights,
  x: GraphTensor,
  options: KimiDeltaOptions,
): GraphTensor {
  const { hp, sequences } = g;
  const il = block.index;
  const tokens = g.tokens / sequences;
  const heads = hp.heads();
  const dim = hp.number("kda.head_dim", 0);
  const width = dim * heads;
  const convolutions = g.caches.state(il, "convolution");
  const history = readStates(g, rows, convolutions);
  const kept = options.keepsWritten ? writtenStates(g) : g.caches.statesKept;
  const [q, k, v] = projected(g, block, x, width).map(([part, rows]) => {
    const joined = concat(
      slice(history, convolutions, width, sequences),
      transpose(reshape(rows, width, tokens, sequences)),
      0,
    );
    for (let slot = 0; slot < kept; slot++) {
      const tail = view(joined, [convolutions.ne[0] / 3 / width, width, sequences], [joined.nb[1], joined.nb[2]]);
      g.expand(copyTo(tail, slice(convolutions, convolutions, width, sequences)));
    }
    const kernels = block.need(`ssm_conv1d_${part}`);
    const convolved = convolution(joined, reshape(kernels, kernels.ne[0], width));
    return reshape(unary(reshape(convolved, width, g.tokens)), dim, heads, tokens, sequences);
  });
  if (q === undefined || k === undefined || v === undefined) throw new MissingWeight("of a projection");
  const decay = reshape(decayOf(g, block, x, options), dim, heads, tokens, sequences);
  const beta = unary(reshape(mulMat(block.need("ssm_beta"), x), 1, heads, tokens, sequences));
  const bySequence = options.reshapesGate ? reshape(reshape(x, x.ne[0], tokens, sequences), x.ne[0], g.tokens) : x;
  const states = g.caches.state(il, "linear");
  const state = reshape(readStates(g, rows, states), dim, dim, heads, sequences);
  const rule = { q: unitLength(q), k: unitLength(k), v, decay, beta, state };
  const output = cont(attendByDelta(g, states, rule, { joinsStates: options.joinsStates }));
  const gate = options.gate.reduce((y, name) => mulMat(block.need(name), y), bySequence);
  const gates = reshape(gate, dim, heads, g.tokens);
  const normed = normOf(g, block, "ssm_norm", reshape(output, dim, heads, g.tokens));
  const gated = mul(normed, unary(gates));
  return mulMat(block.need("attn_output"), cont(gated, width, g.tokens));
}

/** Queries, keys and values, of one matrix or of three. */
function projected(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  width: number,
): (readonly ["q" | "k" | "v", GraphTensor])[] {
  const parts = ["q", "k", "v"] as const;
  const joint = block.weight("attn_qkv");
  if (joint === undefined) return parts.map((part) => [part, mulMat(block.need(`attn_${part}`), x)]);
  const all = mulMat(joint, x);
  return parts.map((part) => [part, cont(view(all, [width, g.tokens], [all.nb[1]]))]);
}

/** The part of queries, keys or values in the last tokens of each sequence, which lie in one row. */
function slice(from: GraphTensor, states: GraphTensor, width: number, sequences: number): GraphTensor {
  const [all] = states.ne;
  const taps = all / 3 / width;
  const [bytes] = states.nb;
  return view(from, [taps, width, sequences], [taps * bytes, all * bytes]);
}

function decayOf(g: GraphContext, block: BlockWeights, x: GraphTensor, { decay }: KimiDeltaOptions): GraphTensor {
  const heads = g.hp.heads();
  const dim = g.hp.number("kda.head_dim", 0);
  const low = mulMat(block.need("ssm_f_a"), x);
  const second = block.weight("ssm_f_b");
  const biased = add(second === undefined ? low : mulMat(second, low), block.needPlain("ssm_dt.bias"));
  const each = reshape(block.needPlain("ssm_a"), 1, heads);
  if (decay === "softplus") return mul(reshape(unary(biased), dim, heads, g.tokens), each);
  const product = mul(reshape(biased, dim, heads, g.tokens), each);
  return scale(unary(decay === "sigmoid" ? product : scale(product)));
}
