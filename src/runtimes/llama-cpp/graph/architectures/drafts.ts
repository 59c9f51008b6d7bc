import { OUTPUT_OF_TARGET } from "../../engine-facts.ts";
import { EMBEDDING, OUTPUT_MATRIX } from "../../tensor-place.ts";
import { attendCache, type CacheInputs, cacheInputs, type Queried } from "../blocks/attention.ts";
import { dynamicConvolution } from "../blocks/draft-convolution.ts";
import { markovHead, selector } from "../blocks/draft-heads.ts";
import { atTargetTokens, type Drafted } from "../blocks/draft-vocabulary.ts";
import { dense } from "../blocks/feed-forward.ts";
import { layers } from "../blocks/layers.ts";
import { modelNorm, norm, normOf } from "../blocks/norm.ts";
import { projectUnscaled, scaled } from "../blocks/projection.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { type ResidualParts, residualLayer } from "../blocks/residual.ts";
import { cacheAttender, rotatedHeads } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext, GraphResult } from "../context.ts";
import { add, mul, rmsNorm, rope, scale, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import { concat, reshape } from "../ops/shapes.ts";
import { F32, type GraphTensor, I32, inputTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** One layer over the token and what the target's layers gave for the one before (`src/models/eagle3.cpp`). */
const eagle3: GraphBuilder = (g) => {
  const block = g.block(0);
  const features = inputTensor(F32, [g.hp.hiddenSize, g.tokens]);
  const tokens = getRows(embeddingMatrix(g), inputTensor(I32, [g.tokens]));
  const inputs = cacheInputs(g);
  const normedTokens = norm(g, tokens, block.weight("attn_norm"), "rms", 0);
  const normedFeatures = norm(g, features, block.weight("attn_norm_2"), "rms", -1);
  const both = concat(normedTokens, normedFeatures, 0);
  const heads = rotatedHeads(g, queryKeyValue(g, block, both, { reads: "matrices" }), g.rotaryFactors(0));
  const output = { weight: block.need("attn_output"), bias: undefined, scale: undefined };
  const before = g.hp.flag("norm_before_residual", false) ? normedFeatures : features;
  const residual = add(attendCache(g, inputs, 0, heads, output), before);
  const inner = norm(g, residual, block.weight("ffn_norm"), "rms", 0);
  const nextHidden = add(dense(g, block, inner, "silu"), residual);
  const last = modelNorm(g, "output_norm", nextHidden);
  const logits = g.expand(atTargetTokens(g, mulMat(outputMatrix(g).weight, last)));
  return { logits, nextHidden };
};

/** Fills in a block of tokens at once, over keys and values made of the target's layers (`src/models/dflash.cpp`). */
const dflash: GraphBuilder = (g) => {
  const { hp, weights } = g;
  const inputs = cacheInputs(g);
  const tokens = inputTensor(I32, [g.tokens]);
  const rows = getRows(embeddingMatrix(g), tokens);
  const x = layers(g, hp.number("embedding_scale", 0) === 0 ? rows : scale(rows), (x, block) =>
    dflashLayer(g, inputs, block, x),
  );
  const embedding = modelNorm(g, "output_norm", x);
  const selects = weights.find("selector_hidden.weight") !== undefined;
  const output = outputMatrix(g);
  const product = scaled(mulMat(output.weight, embedding), output.scale);
  const logits = g.expand(atTargetTokens(g, selects ? bent(g, product) : product));
  const drafted: Drafted = { embedding, logits, tokens };
  let result: GraphResult = drafted;
  if (weights.find("markov_w1.weight") !== undefined) result = markovHead(g, drafted);
  return selects ? selector(g, { ...drafted, ...result }) : result;
};

/** Only a selector reads the logits as the target would give them. */
function bent({ hp }: GraphContext, logits: GraphTensor): GraphTensor {
  const y = hp.number("logit_scale", 0) === 0 ? logits : scale(logits);
  return hp.number("final_logit_softcapping", 0) > 0 ? scale(unary(scale(y))) : y;
}

function dflashLayer(g: GraphContext, inputs: CacheInputs, block: BlockWeights, x: GraphTensor): GraphTensor {
  const attend = cacheAttender(g, inputs, g.hp.number("attention.sliding_window", 0) > 0);
  const output = block.projection("attn_output");
  const sinks = block.weight("attn_sinks");
  const parts: ResidualParts = {
    attention: (y) =>
      convolvedAround(g, block, "attn", y, (z) => attend(block.index, dflashHeads(g, block, z), output, { sinks })),
    feedForward: (y) => convolvedAround(g, block, "ffn", y, (z) => dense(g, block, z, "silu", { scaled: true })),
  };
  const y = residualLayer(g, block, x, parts, { keptAfter: "both", dropsTokens: "never" });
  const factor = block.weight("layer_output_scale");
  return factor === undefined ? y : mul(y, factor);
}

/** Values are the keys before their norm, normed otherwise, where a layer has no matrix for them. */
function dflashHeads(g: GraphContext, block: BlockWeights, x: GraphTensor): Queried {
  const { hp } = g;
  const product = (name: "q" | "k" | "v"): GraphTensor =>
    scaled(mulMat(block.need(`attn_${name}`), x), block.scale(`attn_${name}`));
  const byHead = (y: GraphTensor, heads: number): GraphTensor => reshape(y, hp.valueDim(), heads, g.tokens);
  const keys = product("k");
  const isShared = block.weight("attn_v") === undefined;
  const q = normOf(g, block, "attn_q_norm", byHead(product("q"), hp.heads()));
  const k = normOf(g, block, "attn_k_norm", byHead(keys, hp.kvHeads()));
  const v = byHead(isShared ? keys : product("v"), hp.kvHeads());
  // All layers read the first one's factors.
  const rotated = (y: GraphTensor): GraphTensor =>
    isSectioned(g) ? rope(y, g.positions(4)) : rope(y, g.positions(), g.rotaryFactors(0));
  return { q: rotated(q), k: rotated(k), v: isShared ? rmsNorm(v) : v };
}

/** Drafts for targets whose positions are several numbers take as many (`llama_model_rope_type`). */
function isSectioned({ hp }: GraphContext): boolean {
  return [0, 1, 2, 3].some((index) => hp.ofLayer("rope.dimension_sections", index, 0) !== 0);
}

/** A part between two convolutions whose weights come of what it reads (DFlash 2). */
function convolvedAround(
  g: GraphContext,
  block: BlockWeights,
  part: "attn" | "ffn",
  x: GraphTensor,
  inside: (x: GraphTensor) => GraphTensor,
): GraphTensor {
  const weights = block.projection(`${part}_conv_proj`);
  const base = block.plain(`${part}_conv_base`);
  if (weights.weight === undefined || base === undefined) return inside(x);
  const dynamic = projectUnscaled({ ...weights, bias: undefined }, x);
  const y = inside(dynamicConvolution(g, x, dynamic, base));
  return dynamicConvolution(g, y, dynamic, base);
}

/** The embedding, or of a draft without one its target's, which the host reads. */
function embeddingMatrix({ weights, subject, hp }: GraphContext): GraphTensor {
  const shape = [hp.hiddenSize, hp.vocabularySize];
  return weights.find(EMBEDDING) ?? weights.ofTarget(EMBEDDING, subject.placement.host, subject.target, shape);
}

type OutputMatrix = { readonly weight: GraphTensor; readonly scale: GraphTensor | undefined };

/** The output matrix, or of a draft without any its target's, which lies on the last GPU where it has its default place. */
function outputMatrix({ weights, subject, hp }: GraphContext): OutputMatrix {
  const { placement, places, target, model } = subject;
  const isTied = weights.find(EMBEDDING) !== undefined && !OUTPUT_OF_TARGET.has(model.architecture ?? "");
  if (isTied || weights.find(OUTPUT_MATRIX) !== undefined) {
    return { weight: weights.output(), scale: weights.find(OUTPUT_SCALE) };
  }
  const device = placement.gpus.at(-1) ?? places.tiedOutput;
  const isScaled = target?.tensors.all.has(OUTPUT_SCALE) === true;
  return {
    weight: weights.ofTarget(OUTPUT_MATRIX, device, target, [hp.hiddenSize, hp.vocabularySize]),
    scale: isScaled ? weights.ofTarget(OUTPUT_SCALE, device, target, [1]) : undefined,
  };
}

const OUTPUT_SCALE = "output.scale";

export const DRAFTS: Readonly<Record<string, GraphBuilder>> = { eagle3, dflash };
