import type { PoolInputs } from "../caches.ts";
import type { GraphContext } from "../context.ts";
import { add, cast, scale, unary } from "../ops/elementwise.ts";
import { flashAttention, maskedSoftMax, mulMat } from "../ops/products.ts";
import { cont, isContiguous, permute, reshape, transpose, view } from "../ops/shapes.ts";
import { F16, F32, type GraphTensor, inputTensor } from "../tensor.ts";
import type { Projection } from "../weights.ts";
import { project } from "./projection.ts";

/** What attention takes beside queries, keys and values. */
export type AttentionOptions = {
  /** Added to the scores (relative positions): there is no flash attention then. */
  readonly scoreBias?: GraphTensor | undefined;
  readonly sinks?: GraphTensor | undefined;
  /** Turns latent values into those of each head (`attn_v_b`). */
  readonly valueUp?: GraphTensor | undefined;
  /** Scores are kept within bounds by a tanh (`attn_soft_cap`, Grok); flash attention does it itself. */
  readonly softCap?: boolean;
  /** How many cells a token sees at most, where the mask hides most of them. */
  readonly mostCells?: number | undefined;
};

/**
 * Softmax of queries times keys, times values (`build_attn_mha`): queries `[head, heads, tokens]`, keys and values
 * `[head, kv heads, cells, streams]`, mask `[cells, tokens of a stream, 1, streams]` to `[heads x value size, tokens]`.
 */
export function attend(
  g: GraphContext,
  layer: number,
  q: GraphTensor,
  k: GraphTensor,
  v: GraphTensor,
  mask: GraphTensor | undefined,
  options: AttentionOptions = {},
): GraphTensor {
  const { scoreBias, sinks, valueUp, softCap = false } = options;
  const streams = k.ne[3];
  const isTransposed = v.nb[1] > v.nb[2];
  const [dim, heads, tokens] = q.ne;
  const byStream = view(
    q,
    [dim, heads, Math.floor(tokens / streams), streams],
    [q.nb[1], q.nb[2], Math.floor(q.nb[3] / streams)],
  );
  const queries = permute(byStream, 0, 2, 1, 3);
  const keys = permute(k, 0, 2, 1, 3);
  const values = permute(v, 0, 2, 1, 3);
  if (g.fused.flashAttention && scoreBias === undefined) {
    const half = (x: GraphTensor): GraphTensor => (x.type === F32 ? cast(x, F16) : x);
    const fused = flashAttention(queries, half(keys), half(isTransposed ? transpose(values) : values), mask, sinks);
    fused.mostCells = options.mostCells;
    let y = g.fusedNode("flashAttention", layer, fused);
    if (valueUp !== undefined) y = cont(permute(mulMat(valueUp, permute(y, 0, 2, 1, 3)), 0, 2, 1, 3));
    return g.expand(reshape(y, y.ne[0] * y.ne[1], y.ne[2] * y.ne[3]));
  }
  let scores = mulMat(keys, queries);
  scores.keepsSums = true;
  if (softCap) scores = scale(unary(scale(scores)));
  if (scoreBias !== undefined) scores = add(scores, scoreBias);
  const chances = maskedSoftMax(scores, mask, sinks);
  let y = mulMat(isTransposed ? values : cont(transpose(values)), chances);
  if (valueUp !== undefined) y = mulMat(valueUp, y);
  const merged = permute(y, 0, 2, 1, 3);
  const rows = cont(merged, merged.ne[0] * merged.ne[1], merged.ne[2] * merged.ne[3]);
  const { settings, placement } = g.subject;
  if (!settings.offloadCache) rows.pinnedTo = placement.host;
  return g.expand(rows);
}

/** Attention over the tokens of the batch alone, which nothing caches. */
type BatchInputs = { readonly mask: GraphTensor; readonly windowMask: GraphTensor };

/** The masks of {@link attendBatch}; flash attention takes them in 16 bits. */
export function batchInputs(g: GraphContext): BatchInputs {
  const mask = (): GraphTensor => inputTensor(g.fused.flashAttention ? F16 : F32, [g.tokens, g.tokens]);
  return { mask: mask(), windowMask: mask() };
}

/** Queries, keys and values of the batch, each `[head, heads, tokens]`. */
export type Queried = { readonly q: GraphTensor; readonly k: GraphTensor; readonly v: GraphTensor };

/** Attends within the batch (`build_attn`, no cache), and projects. */
export function attendBatch(
  g: GraphContext,
  inputs: BatchInputs,
  layer: number,
  { q, k, v }: Queried,
  output: Projection | undefined,
  options: AttentionOptions = {},
): GraphTensor {
  g.expand(q);
  g.expand(k);
  g.expand(v);
  const mask = g.hp.isWindowed(layer) ? inputs.windowMask : inputs.mask;
  return projected(attend(g, layer, q, k, v, mask, options), output);
}

/** Inputs of the caches that see everything and of those that see a window. */
export type CacheInputs = { readonly full: PoolInputs; readonly windowed: PoolInputs };

/** Inputs for the keys and values of every layer with a cache. Those that no layer reads are not part of the graph. */
export function cacheInputs(g: GraphContext): CacheInputs {
  return { full: g.caches.poolInputs(g, false), windowed: g.caches.poolInputs(g, true) };
}

/** Attends to the cache of a layer, which the batch is written to first (`build_attn`, `llm_graph_input_attn_kv`). */
export function attendCache(
  g: GraphContext,
  inputs: CacheInputs,
  layer: number,
  queried: Queried,
  output: Projection | undefined,
  options: AttentionOptions = {},
): GraphTensor {
  const pool = inputs.full;
  const q = rotated(queried.q, pool.keyRotation);
  const k = rotated(queried.k, pool.keyRotation);
  const v = rotated(queried.v, pool.valueRotation);
  g.expand(q);
  g.expand(v);
  g.expand(k);
  g.expand(g.caches.storeKeys(layer, k, pool.keyRows));
  g.expand(g.caches.storeValues(layer, v, pool.valueRows));
  const y = attend(g, layer, q, g.caches.keys(layer), g.caches.values(layer), pool.mask, {
    ...options,
    mostCells: pool.mostCells,
  });
  return projected(rotated(y, pool.valueRotation), output);
}

/** Queries, and keys and values of layers that do not read the cache of another. */
export type WindowQueried = {
  readonly q: GraphTensor;
  readonly k?: GraphTensor | undefined;
  readonly v?: GraphTensor | undefined;
};

/**
 * The same of models whose layers see windows (`llm_graph_input_attn_kv_iswa`). `cacheLayer` is the layer whose cache is
 * read, where that is another's.
 */
export function attendWindow(
  g: GraphContext,
  inputs: CacheInputs,
  layer: number,
  queried: WindowQueried,
  output: Projection | undefined,
  options: AttentionOptions & { readonly cacheLayer?: number } = {},
): GraphTensor {
  const pool = g.hp.isWindowed(layer) ? inputs.windowed : inputs.full;
  const { cacheLayer = layer } = options;
  const q = rotated(queried.q, pool.keyRotation);
  const k = queried.k && rotated(queried.k, pool.keyRotation);
  const v = queried.v && rotated(queried.v, pool.valueRotation);
  g.expand(q);
  if (k !== undefined) g.expand(k);
  if (v !== undefined) g.expand(v);
  if (k !== undefined) g.expand(g.caches.storeKeys(layer, k, pool.keyRows));
  if (v !== undefined) g.expand(g.caches.storeValues(layer, v, pool.valueRows));
  const y = attend(g, layer, q, g.caches.keys(cacheLayer), g.caches.values(cacheLayer), pool.mask, options);
  return projected(rotated(y, pool.valueRotation), output);
}

/**
 * Attends to a cache of latent rows, each key and value at once: the values are the first elements of the keys
 * (`llm_graph_input_attn_k`), as many as `v` has.
 */
export function attendLatent(
  g: GraphContext,
  pool: PoolInputs,
  layer: number,
  { q, k, v }: Queried,
  output: Projection | undefined,
  options: AttentionOptions = {},
): GraphTensor {
  g.expand(q);
  g.expand(v);
  g.expand(k);
  g.expand(g.caches.storeKeys(layer, k, pool.keyRows));
  const keys = g.caches.keys(layer);
  const also = { ...options, mostCells: pool.mostCells };
  return projected(attend(g, layer, q, keys, firstOf(keys, v.ne[0]), pool.mask, also), output);
}

/** The first elements of each head. */
function firstOf(x: GraphTensor, elements: number): GraphTensor {
  return view(x, [elements, x.ne[1], x.ne[2], x.ne[3]], [x.nb[1], x.nb[2], x.nb[3]]);
}

/** Rows times a Hadamard matrix, in pieces of its size (`llama_mul_mat_hadamard`). */
export function rotated(x: GraphTensor, rotation: GraphTensor | undefined): GraphTensor {
  if (rotation === undefined) return x;
  const size = rotation.ne[0];
  const pieces = (isContiguous(x) ? reshape : cont)(x, size, x.elements / size);
  return reshape(mulMat(rotation, pieces), ...x.ne);
}

/** Times the output matrix, where there is one here. */
export function projected(y: GraphTensor, output: Projection | undefined): GraphTensor {
  return output === undefined ? y : project(output, y);
}
