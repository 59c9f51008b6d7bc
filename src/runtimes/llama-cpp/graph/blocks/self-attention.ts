import type { GraphContext } from "../context.ts";
import { mul, rope, scale, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights, Projection } from "../weights.ts";
import {
  type AttentionOptions,
  attendBatch,
  attendCache,
  attendWindow,
  batchInputs,
  type CacheInputs,
  cacheInputs,
  type Queried,
} from "./attention.ts";
import { type NormKind, norm, normIfAny } from "./norm.ts";
import { project, unbiased } from "./projection.ts";
import { type QueryKeyValue, queryKeyValue, type Reads } from "./qkv.ts";

export type SelfAttentionOptions = {
  /** How queries, keys and values are cut. Default: {@link queryKeyValue}. */
  readonly heads?: (g: GraphContext, block: BlockWeights, x: GraphTensor) => QueryKeyValue;
  /** Size of one head, where it is not that of the layer's cache. */
  readonly headDim?: number;
  /** What is read beside the matrices of queries, keys and values. Default: biases and scales. */
  readonly reads?: Reads;
  /**
   * What a norm of queries or keys is over, where the file has one: each head, all of a token before they are cut into heads,
   * or all of a token put together again. Default: each.
   */
  readonly normsHeads?: "each" | "uncut" | "rejoined";
  /** Parts of a joint matrix are copied before they are cut into heads (Step 3.5). */
  readonly copiesRows?: boolean;
  readonly headNorm?: NormKind;
  /** That of keys has no weight (Talkie). */
  readonly unweightedKeyNorm?: boolean;
  /** Those norms come after the rotation. */
  readonly normsRotated?: boolean;
  /** Whether positions turn the heads of a layer. Default: in all of them. */
  readonly rotates?: boolean | ((layer: number) => boolean);
  /** Numbers that each position has (M-RoPE). Default: 1. */
  readonly positionsPerToken?: number;
  /** Rotary factors that the file has are read in all layers, in those that see everything, or not. Default: in all. */
  readonly factors?: "all" | "full" | "none";
  /** Queries are multiplied with a number, not the scores. */
  readonly scalesQueries?: boolean;
  /** Queries are multiplied with a number that depends on their position. */
  readonly tempersQueries?: boolean;
  /** Scores have a soft cap. */
  readonly softCap?: boolean;
  /** What attention gives is multiplied with a number. */
  readonly scalesAttention?: boolean;
  /** The bias of the output matrix is not read though the engine loads it. */
  readonly unbiasedOutput?: boolean;
};

/** Attends with the heads of a layer, and projects. */
export type Attender = (
  layer: number,
  queried: Queried,
  output: Projection | undefined,
  options?: AttentionOptions,
) => GraphTensor;

/**
 * To the caches of the model, each layer to its own: those with windows, or, where no layer has one, those without
 * (`swa_type`).
 */
export function cacheAttender(
  g: GraphContext,
  inputs: CacheInputs = cacheInputs(g),
  windowed: boolean = g.hp.hasWindows(),
): Attender {
  const attend = windowed ? attendWindow : attendCache;
  return (layer, queried, output, options) => attend(g, inputs, layer, queried, output, options);
}

/** To the tokens of the batch, both ways. */
export function batchAttender(g: GraphContext): Attender {
  const inputs = batchInputs(g);
  return (layer, queried, output, options) => attendBatch(g, inputs, layer, queried, output, options);
}

/**
 * Attention of a layer's normed hidden states, `[hidden, tokens]` to the same. Norms of heads, a norm or a gate of what
 * attention gave (`attn_sub_norm`, `attn_gate`) and sinks are where the file has them.
 */
export function selfAttention(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  attend: Attender,
  options: SelfAttentionOptions = {},
): GraphTensor {
  const il = block.index;
  const { softCap = false, scalesAttention = false, unbiasedOutput = false } = options;
  const queried = positionedHeads(g, block, x, options);
  const stored = block.projection("attn_output");
  const output = unbiasedOutput ? unbiased(stored) : stored;
  const gate = block.weight("attn_gate");
  const isInside = gate !== undefined || block.weight("attn_sub_norm") !== undefined;
  const also = { softCap, sinks: block.weight("attn_sinks") };
  let y = attend(il, queried, isInside ? undefined : output, also);
  if (isInside) {
    y = normIfAny(g, block, "attn_sub_norm", y);
    if (gate !== undefined) y = gatedHeads(y, unary(mulMat(gate, x)), g.hp.heads(il));
    y = project(output, y);
  }
  return scalesAttention ? scale(y) : y;
}

/** Queries, keys and values of a layer, queries and keys normed and rotated as the model has it. */
export function positionedHeads(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  options: SelfAttentionOptions = {},
): QueryKeyValue {
  const { normsRotated = false, scalesQueries = false, tempersQueries = false } = options;
  let heads = cutHeads(g, block, x, options);
  if (!normsRotated) heads = normedHeads(g, block, heads, options);
  heads = turnedHeads(g, block, heads, options);
  if (normsRotated) heads = normedHeads(g, block, heads, options);
  if (scalesQueries) heads = { ...heads, q: scale(heads.q) };
  return tempersQueries ? { ...heads, q: mul(heads.q, g.queryScales()) } : heads;
}

function turnedHeads(
  g: GraphContext,
  { index }: BlockWeights,
  heads: QueryKeyValue,
  { rotates = true, factors = "all", positionsPerToken }: SelfAttentionOptions,
): QueryKeyValue {
  if (!(typeof rotates === "boolean" ? rotates : rotates(index))) return heads;
  const hasFactors = factors === "all" || (factors === "full" && !g.hp.isWindowed(index));
  return rotatedHeads(g, heads, hasFactors ? g.rotaryFactors(index) : undefined, positionsPerToken);
}

/** Heads, normed already where a model norms them uncut. */
function cutHeads(g: GraphContext, block: BlockWeights, x: GraphTensor, options: SelfAttentionOptions): QueryKeyValue {
  const { heads, headDim, reads, normsHeads, copiesRows = false } = options;
  if (heads !== undefined) return heads(g, block, x);
  const dims = headDim === undefined ? {} : { dims: { q: headDim, k: headDim, v: headDim } };
  const also = reads === undefined ? {} : { reads };
  const isNormed = normsHeads === "uncut";
  if (!isNormed && !copiesRows) return queryKeyValue(g, block, x, { ...dims, ...also });
  const { hp } = g;
  const il = block.index;
  const { q, k, v } = queryKeyValue(g, block, x, { ...also, whole: true });
  const cut = (rows: GraphTensor, dim: number, count: number): GraphTensor => reshape(rows, dim, count, g.tokens);
  const normed = (rows: GraphTensor, name: string): GraphTensor =>
    isNormed ? normOfHeads(g, block, name, rows, options) : rows;
  return {
    q: cut(normed(q, "attn_q_norm"), hp.keyDim(il), hp.heads(il)),
    k: cut(normed(k, "attn_k_norm"), hp.keyDim(il), hp.kvHeads(il)),
    v: cut(v, hp.valueDim(il), hp.kvHeads(il)),
  };
}

function normedHeads(
  g: GraphContext,
  block: BlockWeights,
  heads: QueryKeyValue,
  options: SelfAttentionOptions,
): QueryKeyValue {
  const { normsHeads = "each" } = options;
  // MPT's files may have a norm of keys alone, which is not read.
  if (normsHeads === "uncut" || block.weight("attn_q_norm") === undefined) return heads;
  const normed = (x: GraphTensor, name: string): GraphTensor => {
    if (normsHeads === "each") return normOfHeads(g, block, name, x, options);
    const rows = reshape(x, x.ne[0] * x.ne[1], x.ne[2]);
    return reshape(normOfHeads(g, block, name, rows, options), ...x.ne);
  };
  return { q: normed(heads.q, "attn_q_norm"), k: normed(heads.k, "attn_k_norm"), v: heads.v };
}

/** A norm of queries or keys, where the file has it; RMS norms of them have no bias. */
function normOfHeads(
  g: GraphContext,
  block: BlockWeights,
  name: string,
  x: GraphTensor,
  { headNorm = "rms", unweightedKeyNorm = false }: SelfAttentionOptions,
): GraphTensor {
  const weight = block.weight(name);
  if (weight === undefined && !unweightedKeyNorm) return x;
  return norm(g, x, weight, headNorm, block.index, headNorm === "rms" ? undefined : block.bias(name));
}

/** Queries and keys turned by their positions. */
export function rotatedHeads(
  g: GraphContext,
  { q, k, v }: QueryKeyValue,
  factors?: GraphTensor,
  positionsPerToken?: number,
): QueryKeyValue {
  const positions = g.positions(positionsPerToken);
  return { q: rope(q, positions, factors), k: rope(k, positions, factors), v };
}

/** Four positions where the file divides a head among them, otherwise one (`llama_hparams::use_mrope`). */
export function positionsBySections({ hp }: GraphContext): number {
  const isDivided = [0, 1].every((index) => hp.ofLayer("rope.dimension_sections", index, 0) > 0);
  return isDivided ? 4 : 1;
}

/** What attention gave, `[heads x head, tokens]`, times a gate that has a number for each element or for each head. */
export function gatedHeads(y: GraphTensor, gate: GraphTensor, heads: number): GraphTensor {
  const [width, tokens] = y.ne;
  if (gate.ne[0] !== heads) return mul(y, gate);
  const perHead = mul(reshape(y, width / heads, heads, tokens), reshape(gate, 1, heads, tokens));
  return reshape(perHead, width, tokens);
}
