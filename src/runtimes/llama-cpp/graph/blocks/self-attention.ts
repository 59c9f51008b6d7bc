import type { GraphContext } from "../context.ts";
import { scale, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type AttentionOptions, attendCache, attendWindow, type CacheInputs, type Queried } from "./attention.ts";
import { gatedHeads, normedHeads, rotatedHeads } from "./heads.ts";
import { project } from "./projection.ts";
import { type QueryKeyValue, queryKeyValue } from "./qkv.ts";

export type SelfAttentionOptions = {
  /** Whether positions turn the heads of a layer. Default: in all of them. */
  readonly rotates?: (g: GraphContext, layer: number) => boolean;
  /** Rotary factors, where the model has them: in all layers, or in those that see everything. */
  readonly factors?: "all" | "full";
  /** Size of one head, where it is not that of the layer's cache. */
  readonly headDim?: (g: GraphContext) => number;
  /** Queries and keys are normed over all heads at once. */
  readonly normsRows?: boolean;
  /** Queries, keys and values of a joint matrix are copied before they are cut into heads (Step 3.5). */
  readonly copiesRows?: boolean;
  /** Queries are multiplied with a number, not the scores. */
  readonly scaledQueries?: boolean;
  /** Biases and scales of the matrices of queries, keys and values are not read. */
  readonly bare?: boolean;
  /** Scores have a soft cap. */
  readonly bends?: number;
};

/** Positions turn the heads of layers with a window alone. */
export const rotatesWindowed = ({ hp }: GraphContext, layer: number): boolean => hp.isWindowed(layer);

/** Attends to the caches of the model, each layer to its own. */
export type Attender = (
  layer: number,
  queried: Queried,
  output: ReturnType<BlockWeights["projection"]> | undefined,
  options: AttentionOptions,
) => GraphTensor;

/** Caches with windows, or, where no layer of the model has one, those without (`swa_type`). */
export function cacheAttender(g: GraphContext, inputs: CacheInputs): Attender {
  const attend = g.hp.hasWindows() ? attendWindow : attendCache;
  return (layer, queried, output, options) => attend(g, inputs, layer, queried, output, options);
}

/**
 * Attention of a layer's normed hidden states, `[hidden, tokens]` to the same: heads are normed and gated where the file has
 * `attn_q_norm`, `attn_gate`, and have sinks where it has `attn_sinks`.
 */
export function selfAttention(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  attend: Attender,
  options: SelfAttentionOptions = {},
): GraphTensor {
  const il = block.index;
  const { rotates = () => true, factors, scaledQueries = false, bends = 0 } = options;
  let heads = normedQueries(g, block, x, options);
  const hasFactors = factors === "all" || (factors === "full" && !g.hp.isWindowed(il));
  if (rotates(g, il)) heads = rotatedHeads(g, heads, hasFactors ? g.rotaryFactors(il) : undefined);
  if (scaledQueries) heads = { ...heads, q: scale(heads.q) };
  const output = block.projection("attn_output");
  const gate = block.weight("attn_gate");
  const also = { bends, sinks: block.weight("attn_sinks") };
  if (gate === undefined) return attend(il, heads, output, also);
  const y = attend(il, heads, undefined, also);
  return project(output, gatedHeads(y, unary(mulMat(gate, x)), g.hp.heads(il)));
}

function normedQueries(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  { headDim, normsRows = false, copiesRows = false, bare = false }: SelfAttentionOptions,
): QueryKeyValue {
  const size = headDim?.(g);
  const dims = size === undefined ? {} : { dims: { q: size, k: size, v: size } };
  const whole = normsRows || copiesRows;
  const rows = queryKeyValue(g, block, x, { ...dims, bare, whole });
  if (!whole) return normedHeads(g, block, rows);
  return normsRows ? inHeads(g, block, normedHeads(g, block, rows)) : normedHeads(g, block, inHeads(g, block, rows));
}

function inHeads(g: GraphContext, { index: il }: BlockWeights, { q, k, v }: QueryKeyValue): QueryKeyValue {
  const { hp } = g;
  return {
    q: reshape(q, hp.keyDim(il), hp.heads(il), g.tokens),
    k: reshape(k, hp.keyDim(il), hp.kvHeads(il), g.tokens),
    v: reshape(v, hp.valueDim(il), hp.kvHeads(il), g.tokens),
  };
}
