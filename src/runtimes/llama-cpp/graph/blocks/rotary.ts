import type { GraphContext } from "../context.ts";
import { rope } from "../ops/elementwise.ts";
import type { QueryKeyValue } from "./qkv.ts";

/** Queries and keys turned by their positions. Encoders have no factors of the frequencies. */
export function rotatedPlainly(g: GraphContext, { q, k, v }: QueryKeyValue): QueryKeyValue {
  return { q: rope(q, g.positions()), k: rope(k, g.positions()), v };
}
