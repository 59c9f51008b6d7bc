import type { GraphContext } from "../context.ts";
import { mul, rope } from "../ops/elementwise.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { QueryKeyValue } from "./qkv.ts";

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
