import type { GraphContext, GraphResult } from "../context.ts";
import { filled } from "../ops/elementwise.ts";
import { setRows } from "../ops/products.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";

/** Scores of a draft's tokens at the places of its target's, where it knows fewer (`d2t`): `[vocabulary, rows]`. */
export function atTargetTokens(g: GraphContext, scores: GraphTensor): GraphTensor {
  const map = g.weights.find("d2t");
  if (map === undefined) return scores;
  const [known, rows] = scores.ne;
  const all = filled([1, g.hp.vocabularySize, rows]);
  return reshape(setRows(all, reshape(scores, 1, known, rows), reshape(map, known, 1, 1)), g.hp.vocabularySize, rows);
}

/** What a draft's heads are drawn from: its tokens, their logits and their hidden states, of all tokens of the batch. */
export type Drafted = Required<Pick<GraphResult, "embedding" | "logits">> & { readonly tokens: GraphTensor };
