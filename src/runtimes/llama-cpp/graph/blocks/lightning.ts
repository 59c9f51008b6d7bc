import type { GraphContext } from "../context.ts";
import { add, copyTo, mul, scale, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { cont, permute, reshape, view } from "../ops/shapes.ts";
import { F32, type GraphTensor, inputTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { normOf } from "./norm.ts";
import { readStates, type StateRows } from "./recurrent-state.ts";

/** How fast each head forgets, and how much by then is left for queries, of keys, and between each two tokens. */
type LightningInputs = {
  /** `[heads]`. */
  readonly slopes: GraphTensor;
  /** `[1, heads, tokens, sequences]`. */
  readonly queryDecays: GraphTensor;
  readonly keyDecays: GraphTensor;
  /** `[tokens, tokens, heads, sequences]`. */
  readonly pairDecays: GraphTensor;
};

/** Inputs of {@link lightningLayer} (`llm_graph_input_la`, `src/models/minimax-01.cpp`). */
export function lightningInputs({ hp, tokens, sequences }: GraphContext): LightningInputs {
  const each = tokens / sequences;
  const heads = hp.heads();
  return {
    slopes: inputTensor(F32, [heads]),
    queryDecays: inputTensor(F32, [1, heads, each, sequences]),
    keyDecays: inputTensor(F32, [1, heads, each, sequences]),
    pairDecays: inputTensor(F32, [each, each, heads, sequences]),
  };
}

/** A layer of lightning attention, `[hidden, tokens]` to the same: linear attention whose state decays by head. */
export function lightningLayer(
  g: GraphContext,
  rows: StateRows,
  inputs: LightningInputs,
  block: BlockWeights,
  x: GraphTensor,
): GraphTensor {
  const { hp, sequences } = g;
  const il = block.index;
  const tokens = g.tokens / sequences;
  const heads = hp.heads();
  const dim = hp.valueDim(il);
  // There is no convolution, but the engine reads its empty state like any other.
  readStates(g, rows, g.caches.state(il, "convolution"));
  const bySequence = reshape(x, x.ne[0], tokens, 1, sequences);
  const product = unary(mulMat(block.need("attn_qkv"), bySequence));
  const qkv = reshape(product, dim * 3, heads, tokens, sequences);
  const part = (): GraphTensor => view(qkv, [dim, heads, tokens, sequences], [qkv.nb[1], qkv.nb[2], qkv.nb[3]]);
  const states = g.caches.state(il, "linear");
  const before = reshape(readStates(g, rows, states), dim, dim, heads, sequences);
  const [y, after] = attendLightning(g, inputs, { q: part(), k: part(), v: part(), before });
  g.expand(copyTo(after, view(states, [after.elements])));
  const merged = cont(permute(y, 0, 2, 1, 3));
  const flat = reshape(merged, dim * heads, tokens, 1, sequences);
  const normed = normOf(g, block, "attn_norm_2", flat);
  const gated = mul(unary(mulMat(block.need("attn_gate"), bySequence)), normed);
  const output = mulMat(block.need("attn_output"), gated);
  return reshape(output, output.ne[0], g.tokens);
}

type Lightning = {
  readonly q: GraphTensor;
  readonly k: GraphTensor;
  readonly v: GraphTensor;
  readonly before: GraphTensor;
};

/** What the tokens read of the state and of each other, `[head, tokens, heads, sequences]`, and the state after them. */
function attendLightning(
  g: GraphContext,
  inputs: LightningInputs,
  { q, k, v, before }: Lightning,
): [GraphTensor, GraphTensor] {
  const left = (exponents: GraphTensor): GraphTensor => unary(scale(exponents));
  const byHead = (y: GraphTensor): GraphTensor => permute(y, 0, 2, 1, 3);
  const turned = (y: GraphTensor): GraphTensor => cont(permute(y, 1, 2, 0, 3));
  const ofState = mulMat(before, byHead(mul(q, left(inputs.queryDecays))));
  const scores = mul(mulMat(byHead(k), byHead(q)), left(inputs.pairDecays));
  const values = turned(v);
  const y = g.expand(add(ofState, mulMat(values, scores)));
  const blockDecays = reshape(left(scale(inputs.slopes)), 1, 1, before.ne[2]);
  const kept = mul(before, blockDecays);
  const learned = mulMat(turned(mul(k, left(inputs.keyDecays))), values);
  return [y, add(kept, learned)];
}
