import type { GraphContext, GraphResult } from "../context.ts";
import { add, scale, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import { modelNorm, type NormKind } from "./norm.ts";
import { scaled } from "./projection.ts";

export type HeadOptions = {
  readonly kind?: NormKind;
  /** Name of the last norm. */
  readonly lastNorm?: string;
  /** Logits are multiplied with a number (`f_logit_scale`). */
  readonly scaledLogits?: boolean;
  /** Logits are kept within bounds by a tanh (`f_final_logit_softcapping`). */
  readonly cappedLogits?: boolean;
  /** The output matrix has no scale (`output.scale`), or it is not read. */
  readonly unscaled?: boolean;
  /** The bias of the output matrix is not read though the engine loads it. */
  readonly unbiased?: boolean;
  /**
   * Hidden states go to blocks that predict further tokens: those of all tokens, as they are before or after the norm, or
   * the normed ones that are put out.
   */
  readonly nextHidden?: "before norm" | "after norm" | "put out";
  /** Logits are not computed: never, or not where embeddings are asked for. */
  readonly withoutLogits?: "always" | "for embeddings";
  /** What is done to the logits at last. */
  readonly finish?: (g: GraphContext, logits: GraphTensor) => GraphTensor;
};

/** The last norm and the output matrix: embedding and logits of the tokens that are put out. */
export function head(g: GraphContext, x: GraphTensor, options: HeadOptions = {}): HeadResult {
  const { weights } = g;
  const { embedding, nextHidden } = lastStates(g, x, options);
  const kept = nextHidden && { nextHidden };
  const { withoutLogits } = options;
  if (withoutLogits === "always" || (withoutLogits !== undefined && g.subject.settings.embeddings)) {
    return { embedding: g.expand(embedding), ...kept };
  }
  let logits = scaled(mulMat(weights.output(), embedding), options.unscaled ? undefined : weights.find("output.scale"));
  const bias = options.unbiased ? undefined : weights.find("output.bias");
  if (bias !== undefined) logits = add(logits, bias);
  if (options.scaledLogits) logits = scale(logits);
  if (options.cappedLogits) logits = scale(unary(scale(logits)));
  return { embedding, logits: g.expand(options.finish?.(g, logits) ?? logits), ...kept };
}

type HeadResult = GraphResult & { readonly embedding: GraphTensor };

/** Normed states of the tokens that are put out, and of all for blocks that predict further ones. */
function lastStates(
  g: GraphContext,
  x: GraphTensor,
  { kind = "rms", lastNorm = "output_norm", nextHidden }: HeadOptions,
): Pick<HeadResult, "embedding" | "nextHidden"> {
  const normed = (y: GraphTensor): GraphTensor => modelNorm(g, lastNorm, y, kind);
  if (nextHidden === undefined) return { embedding: normed(x) };
  if (nextHidden === "put out") {
    const embedding = normed(x);
    return { embedding, nextHidden: embedding };
  }
  if (nextHidden === "before norm") return { embedding: normed(getRows(x, g.outputRows())), nextHidden: x };
  const all = normed(x);
  return { embedding: getRows(all, g.outputRows()), nextHidden: all };
}
