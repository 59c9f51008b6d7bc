import type { GraphBuilder, GraphContext } from "../context.ts";
import type { Hyperparameters } from "../hyperparameters.ts";
import { add, rope, scale } from "../ops/elementwise.ts";
import { getRows } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { attendCache, type CacheInputs, cacheInputs } from "./attention.ts";
import { head, layers, putOut } from "./decoder.ts";
import { tokenEmbeddings } from "./embedding.ts";
import { experts } from "./experts.ts";
import { type Activation, denseParts, feedForward, withoutScales } from "./feed-forward.ts";
import { type NormKind, norm } from "./norm.ts";
import { project } from "./projection.ts";
import { type QueryKeyValue, queryKeyValue } from "./qkv.ts";

/**
 * What tells one plain decoder from another. Biases, norms of heads and norms after each half of a layer are where the
 * file has them: the engine loads none that it does not use.
 */
export type DecoderForm = {
  /** Default: `rms`. */
  readonly norm?: NormKind;
  /** Of the dense feed-forward. Default: `silu`. */
  readonly activation?: Activation;
  /** Rotated with each query and key, or learned and added to the embeddings. Default: rotary. */
  readonly positions?: "rotary" | "learned";
  /** Numbers that each position has (M-RoPE). Default: 1. */
  readonly positionsPerToken?: (hp: Hyperparameters) => number;
  /** How queries, keys and values are cut. Default: {@link queryKeyValue}. */
  readonly heads?: (g: GraphContext, block: BlockWeights, x: GraphTensor) => QueryKeyValue;
  /** Queries are multiplied with a number before they meet the keys, not scores after. */
  readonly scalesQueries?: boolean;
  /** The feed-forward has scales of NVFP4 matrices; most architectures do not pass them. */
  readonly scaledFeedForward?: boolean;
  /** What is multiplied with a number, where it is not 0. */
  readonly multipliers?: (hp: Hyperparameters) => Multipliers;
};

export type Multipliers = { readonly embedding?: number; readonly residual?: number; readonly logits?: number };

/** Hidden states before a layer, after its first norm, and what its attention gave: of the tokens that go on. */
export type Attended = { readonly x: GraphTensor; readonly normed: GraphTensor; readonly attended: GraphTensor };

/** The second half of a layer: `[hidden, tokens]`. */
export type SecondHalf = (g: GraphContext, form: DecoderForm, block: BlockWeights, parts: Attended) => GraphTensor;

/** Embeddings, layers of attention and feed-forward, a last norm and logits. */
export function plainDecoder(form: DecoderForm = {}, secondHalf: SecondHalf = feedForwardAfter()): GraphBuilder {
  return (g) => {
    const inputs = cacheInputs(g);
    const x = layers(g, embeddings(g, form), (x, block) => {
      const normed = normOf(g, form, block, x, "attn_norm");
      const attended = selfAttention(g, form, inputs, block, normOfQueries(g, form, block, x) ?? normed);
      const out = (y: GraphTensor): GraphTensor => putOut(g, block, y);
      return secondHalf(g, form, block, { x: out(x), normed: out(normed), attended: out(attended) });
    });
    return head(g, x, { kind: form.norm ?? "rms", biased: true, scaledLogits: multipliers(g, form).logits !== 0 });
  };
}

/**
 * The feed-forward reads the sum of attention and residual. `residualFirst`: the residual is the first addend of the sum
 * after attention, or after the feed-forward.
 */
export function feedForwardAfter(residualFirst?: "of-attention" | "of-feed-forward"): SecondHalf {
  return (g, form, block, { x, attended }) => {
    const y = multiplied(g, form, normAfter(g, form, block, attended, "post_attention_norm"));
    const sum = residualFirst === "of-attention" ? add(x, y) : add(y, x);
    const inside = feedForwardOrExperts(g, form, block, normOf(g, form, block, sum, "ffn_norm"));
    const z = multiplied(g, form, normAfter(g, form, block, inside, "post_ffw_norm"));
    return residualFirst === "of-feed-forward" ? add(sum, z) : add(z, sum);
  };
}

/** Attention of one layer, without its residual. */
export function selfAttention(
  g: GraphContext,
  form: DecoderForm,
  inputs: CacheInputs,
  block: BlockWeights,
  x: GraphTensor,
): GraphTensor {
  const il = block.index;
  const queried = positionedHeads(g, form, block, x);
  const output = block.projection("attn_output");
  const inner = block.weight("attn_sub_norm");
  if (inner === undefined) return attendCache(g, inputs, il, queried, output);
  return project(output, norm(g, attendCache(g, inputs, il, queried, undefined), inner, form.norm ?? "rms", il));
}

/** The dense feed-forward of a layer, or its experts; without its residual. */
export function feedForwardOrExperts(
  g: GraphContext,
  form: DecoderForm,
  block: BlockWeights,
  x: GraphTensor,
): GraphTensor {
  const { activation = "silu", scaledFeedForward = false } = form;
  if (block.weight("ffn_gate_inp") !== undefined) {
    return experts(g, block, x, {
      gating: "softmax",
      activation: "silu",
      normalized: true,
      unbiased: true,
      unscaled: !scaledFeedForward,
    });
  }
  const parts = scaledFeedForward ? denseParts(block) : withoutScales(denseParts(block));
  const inner = block.weight("ffn_sub_norm");
  if (inner === undefined || parts.down === undefined) return feedForward(x, parts, activation);
  const inside = feedForward(x, { ...parts, down: undefined }, activation);
  return project(parts.down, norm(g, inside, inner, form.norm ?? "rms", block.index));
}

/** A norm of a layer, by its name in the file. */
export function normOf(
  g: GraphContext,
  { norm: kind = "rms" }: DecoderForm,
  block: BlockWeights,
  x: GraphTensor,
  name: string,
): GraphTensor {
  return norm(g, x, block.weight(name), kind, block.index, block.bias(name));
}

function embeddings(g: GraphContext, form: DecoderForm): GraphTensor {
  const x = tokenEmbeddings(g, { scaled: multipliers(g, form).embedding !== 0 });
  if (form.positions !== "learned") return x;
  return add(x, getRows(g.weights.get("position_embd.weight"), g.positions()));
}

/** Queries and keys have a norm of their own in a few large models (Falcon 40B). */
function normOfQueries(
  g: GraphContext,
  form: DecoderForm,
  block: BlockWeights,
  x: GraphTensor,
): GraphTensor | undefined {
  return block.weight("attn_norm_2") && normOf(g, form, block, x, "attn_norm_2");
}

function normAfter(g: GraphContext, form: DecoderForm, block: BlockWeights, x: GraphTensor, name: string): GraphTensor {
  return block.weight(name) === undefined ? x : normOf(g, form, block, x, name);
}

function positionedHeads(g: GraphContext, form: DecoderForm, block: BlockWeights, x: GraphTensor): QueryKeyValue {
  const { heads = queryKeyValue, positions = "rotary", positionsPerToken, scalesQueries = false } = form;
  const { q, k, v } = heads(g, block, x);
  const positioned = (y: GraphTensor, name: string): GraphTensor => {
    const normed = normAfter(g, form, block, y, name);
    if (positions === "learned") return normed;
    return rope(normed, g.positions(positionsPerToken?.(g.hp)), g.rotaryFactors(block.index));
  };
  const queries = positioned(q, "attn_q_norm");
  return { q: scalesQueries ? scale(queries) : queries, k: positioned(k, "attn_k_norm"), v };
}

function multiplied(g: GraphContext, form: DecoderForm, x: GraphTensor): GraphTensor {
  return multipliers(g, form).residual === 0 ? x : scale(x);
}

function multipliers({ hp }: GraphContext, form: DecoderForm): Required<Multipliers> {
  return { embedding: 0, residual: 0, logits: 0, ...form.multipliers?.(hp) };
}
