import type { GraphContext, GraphResult } from "../context.ts";
import { add, scale, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type NormKind, norm } from "./norm.ts";
import { scaled } from "./projection.ts";

/** One layer: hidden states `[hidden, tokens]` to the same; the last one to the tokens that are put out. */
export type Layer = (x: GraphTensor, block: BlockWeights) => GraphTensor;

/** The layers of a decoder, one after the other. */
export function layers(g: GraphContext, x: GraphTensor, layer: Layer): GraphTensor {
  let y = x;
  for (let il = 0; il < g.hp.layerCount; il++) y = layer(y, g.block(il));
  return y;
}

/** In the last layer only the tokens that are put out go on; elsewhere all (`inp_out_ids`). */
export function putOut(g: GraphContext, { index }: BlockWeights, x: GraphTensor): GraphTensor {
  return index === g.hp.layerCount - 1 ? getRows(x, g.outputRows()) : x;
}

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
  /** The output matrix has a bias in some files, which some architectures read. */
  readonly biased?: boolean;
  /** Hidden states of all tokens go to blocks that predict further ones, as they are before or after the norm. */
  readonly nextHidden?: "before norm" | "after norm" | undefined;
  /** Logits are not computed where embeddings are asked for. */
  readonly embeddingsAlone?: boolean;
  /** What is done to the logits at last. */
  readonly finish?: (g: GraphContext, logits: GraphTensor) => GraphTensor;
};

/** The last norm and the output matrix: embedding and logits of the tokens that are put out. */
export function head(g: GraphContext, x: GraphTensor, options: HeadOptions = {}): HeadResult {
  const { weights } = g;
  const { embedding, nextHidden } = lastStates(g, x, options);
  const kept = nextHidden && { nextHidden };
  if (options.embeddingsAlone && g.subject.settings.embeddings) return { embedding: g.expand(embedding), ...kept };
  let logits = scaled(mulMat(weights.output(), embedding), options.unscaled ? undefined : weights.find("output.scale"));
  const bias = options.biased ? weights.find("output.bias") : undefined;
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
  const normed = (y: GraphTensor): GraphTensor =>
    norm(g, y, g.weights.find(`${lastNorm}.weight`), kind, -1, g.weights.find(`${lastNorm}.bias`));
  if (nextHidden === undefined) return { embedding: normed(x) };
  if (nextHidden === "before norm") return { embedding: normed(getRows(x, g.outputRows())), nextHidden: x };
  const all = normed(x);
  return { embedding: getRows(all, g.outputRows()), nextHidden: all };
}
