import type { GraphContext } from "../context.ts";
import { mul, rope } from "../ops/elementwise.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { norm } from "./norm.ts";
import type { QueryKeyValue } from "./qkv.ts";

/** Queries and keys after their norms, `attn_q_norm` and `attn_k_norm`, where the file has those. */
export function normedHeads(g: GraphContext, block: BlockWeights, { q, k, v }: QueryKeyValue): QueryKeyValue {
  return { q: normedBy(g, block, "attn_q_norm", q), k: normedBy(g, block, "attn_k_norm", k), v };
}

/** An RMS norm that not every model has: the same tensor where the file has no weight of this name. */
export function normedBy(
  g: GraphContext,
  block: BlockWeights,
  name: string,
  x: GraphTensor,
  layer: number = block.index,
): GraphTensor {
  const weight = block.weight(name) ?? block.plain(name);
  return weight === undefined ? x : norm(g, x, weight, "rms", layer);
}

/** Queries and keys turned by their positions. */
export function rotatedHeads(g: GraphContext, { q, k, v }: QueryKeyValue, factors?: GraphTensor): QueryKeyValue {
  return { q: rope(q, g.positions(), factors), k: rope(k, g.positions(), factors), v };
}

/** What attention gave, `[heads x head, tokens]`, times a gate that has a number for each element or for each head. */
export function gatedHeads(y: GraphTensor, gate: GraphTensor, heads: number): GraphTensor {
  const [width, tokens] = y.ne;
  if (gate.ne[0] !== heads) return mul(y, gate);
  const perHead = mul(reshape(y, width / heads, heads, tokens), reshape(gate, 1, heads, tokens));
  return reshape(perHead, width, tokens);
}
