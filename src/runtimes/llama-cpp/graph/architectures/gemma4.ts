import { EMBEDDING } from "../../tensor-place.ts";
import {
  addToOthers,
  correctStreams,
  mergeStreams,
  predictStreams,
  spreadStreams,
} from "../blocks/alternating-updates.ts";
import { attendWindow, type CacheInputs, cacheInputs, type WindowQueried } from "../blocks/attention.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { layers } from "../blocks/layers.ts";
import { modelNorm, norm, normOf } from "../blocks/norm.ts";
import { gatedLayerEmbedding, perLayerEmbeddings, slice } from "../blocks/per-layer-embeddings.ts";
import { project } from "../blocks/projection.ts";
import { type ResidualParts, residualLayer } from "../blocks/residual.ts";
import { positionedHeads } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mean, mul, rmsNorm, rope, scale, sqr, sqrt, sub, sumRows, unary } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import { concat, cont, reshape, view } from "../ops/shapes.ts";
import { F32, type GraphTensor, I32, inputTensor } from "../tensor.ts";
import type { BlockWeights, Projection } from "../weights.ts";

/** Gemma 4: the last layers read the caches of earlier ones (`src/models/gemma4.cpp`). */
const gemma4: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const embeddings = scale(tokenEmbeddings(g));
  const hasPerLayer = g.weights.find("per_layer_token_embd.weight") !== undefined;
  const perLayer = hasPerLayer ? perLayerEmbeddings(g, embeddings) : undefined;
  const x = layers(g, embeddings, (x, block) => {
    const parts: ResidualParts = {
      attention: (y) => attendShared(g, inputs, block, gemma4Heads(g, block, y)),
      feedForward: (y, { sum }) => gemma4FeedForward(g, block, y, sum),
    };
    let y = residualLayer(g, block, x, parts, { dropsTokens: "never" });
    if (perLayer !== undefined) y = add(y, gatedLayerEmbedding(g, block, y, perLayer));
    const outScale = block.weight("layer_output_scale");
    return outScale === undefined ? y : mul(y, outScale);
  });
  // The cap is 30 where the file does not say.
  return head(g, x, { cappedLogits: g.hp.number("final_logit_softcapping", 30) !== 0, nextHidden: "after norm" });
};

/** Queries, and keys and values of layers with a cache of their own; keys are values where there is no other matrix. */
function gemma4Heads(g: GraphContext, block: BlockWeights, x: GraphTensor): WindowQueried {
  const { hp } = g;
  const il = block.index;
  const dim = hp.keyDim(il);
  const factors = hp.isWindowed(il) ? undefined : g.rotaryFactors(il);
  const jointMatrix = block.projection("attn_qkv");
  const joint = jointMatrix.weight && project(jointMatrix, x);
  const part = (name: string, heads: number): GraphTensor =>
    joint === undefined
      ? project(block.projection(name), x)
      : cont(view(joint, [dim * heads, g.tokens], [joint.nb[1]]));
  const split = (rows: GraphTensor, heads: number): GraphTensor => reshape(rows, dim, heads, g.tokens);
  const turned = (name: string, rows: GraphTensor, heads: number): GraphTensor =>
    rope(norm(g, split(rows, heads), block.weight(name), "rms", il), g.positions(), factors);
  const q = turned("attn_q_norm", part("attn_q", hp.heads(il)), hp.heads(il));
  if (hp.cacheLayer(il) !== il) return { q };
  const keys = part("attn_k", hp.kvHeads(il));
  const hasValues = joint !== undefined || block.weight("attn_v") !== undefined;
  const values = hasValues ? part("attn_v", hp.kvHeads(il)) : keys;
  return { q, k: turned("attn_k_norm", keys, hp.kvHeads(il)), v: rmsNorm(split(values, hp.kvHeads(il))) };
}

/** Dense, or beside it experts that are chosen by the hidden states without their norm. */
function gemma4FeedForward(g: GraphContext, block: BlockWeights, x: GraphTensor, unnormed: GraphTensor): GraphTensor {
  const fed = dense(g, block, x, "gelu", { scaled: true });
  const router = block.weight("ffn_gate_inp");
  if (router === undefined) return fed;
  const normed = (y: GraphTensor, name: string): GraphTensor => norm(g, y, block.need(name), "rms", block.index);
  const routerScale = block.scale("ffn_gate_inp");
  const read = scale(rmsNorm(unnormed));
  const probabilities = mulMat(router, routerScale === undefined ? read : mul(read, routerScale));
  const mixed = experts(g, block, normed(unnormed, "pre_ffw_norm_2"), {
    activation: "gelu",
    probabilities,
    scaled: true,
  });
  return add(normed(fed, "post_ffw_norm_1"), normed(mixed, "post_ffw_norm_2"));
}

/** Reads the cache of the layer, or the one that it shares. */
function attendShared(g: GraphContext, inputs: CacheInputs, block: BlockWeights, heads: WindowQueried): GraphTensor {
  const il = block.index;
  return attendWindow(g, inputs, il, heads, block.projection("attn_output"), { cacheLayer: g.hp.cacheLayer(il) });
}

/** Gemma 3n: several streams of hidden states, a low-rank branch beside attention (`src/models/gemma3n.cpp`). */
const gemma3n: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const embeddings = scale(tokenEmbeddings(g));
  const perLayer = perLayerEmbeddings(g, embeddings);
  const streams = layers(g, spreadStreams(g, embeddings), (x, block) => {
    const predictions = predictStreams(g, block, x);
    const active = slice(predictions);
    const normed = normOf(g, block, "attn_norm", active);
    const lowRank = laurel(g, block, normed);
    const attended = attendShared(g, inputs, block, gemma3nHeads(g, block, normed));
    const gated = add(normOf(g, block, "post_attention_norm", attended), active);
    const both = scale(add(gated, lowRank));
    const fed = sparseFeedForward(block, normOf(g, block, "ffn_norm", both));
    const corrected = correctStreams(
      g,
      block,
      predictions,
      add(norm(g, fed, block.weight("post_ffw_norm"), "rms", -1), both),
    );
    const first = mul(slice(corrected), block.need("altup_correct_scale"));
    return addToOthers(corrected, gatedLayerEmbedding(g, block, first, perLayer));
  });
  const x = getRows(mergeStreams(g, streams), g.outputRows());
  return head(g, x, { cappedLogits: true });
};

/** Layers that read the cache of another have queries alone, whose bias and scale are not read. */
function gemma3nHeads(g: GraphContext, block: BlockWeights, x: GraphTensor): WindowQueried {
  const { hp } = g;
  const il = block.index;
  if (hp.cacheLayer(il) === il) {
    const { q, k, v } = positionedHeads(g, block, x);
    return { q, k, v: rmsNorm(v) };
  }
  const joint = block.weight("attn_qkv");
  const width = hp.keyDim(il) * hp.heads(il);
  const all = mulMat(joint ?? block.need("attn_q"), x);
  const rows = joint === undefined ? all : cont(view(all, [width, g.tokens], [all.nb[1]]));
  const q = normOf(g, block, "attn_q_norm", reshape(rows, hp.keyDim(il), hp.heads(il), g.tokens));
  return { q: rope(q, g.positions()) };
}

/** Learned augmented residual layer: a low-rank product added to what it is of. */
function laurel(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const y = mulMat(block.need("laurel_r"), mulMat(block.need("laurel_l"), x));
  return add(normOf(g, block, "laurel_post_norm", y), x);
}

/** Layers at the start whose gates keep only what is far above the mean (`n_layer_sparsity`, `src/models/models.h`). */
const SPARSE_LAYERS = 10;

function sparseFeedForward(block: BlockWeights, x: GraphTensor): GraphTensor {
  const up = mulMat(block.need("ffn_up"), x);
  const gate = mulMat(block.need("ffn_gate"), x);
  const kept = block.index < SPARSE_LAYERS ? farAboveMean(gate) : gate;
  return mulMat(block.need("ffn_down"), mul(up, unary(kept)));
}

/** What is more than so many deviations above the mean of its row. */
function farAboveMean(x: GraphTensor): GraphTensor {
  const middle = mean(x);
  const deviation = sqrt(scale(sumRows(sqr(sub(x, middle)))));
  return unary(sub(x, add(middle, scale(deviation))));
}

/** A draft for Gemma 4, which reads its target's embeddings, hidden states and caches (`src/models/gemma4-assistant.cpp`). */
const gemma4Assistant: GraphBuilder = (g) => {
  const { weights } = g;
  const embeddings = scale(getRows(g.targetWeights().get(EMBEDDING), inputTensor(I32, [g.tokens])));
  const hidden = inputTensor(F32, [embeddings.ne[0], g.tokens]);
  const inputs = cacheInputs(g);
  const read = mulMat(weights.get("nextn.pre_projection.weight"), concat(embeddings, hidden, 0));
  const x = layers(g, read, (x, block) => {
    const y = residualLayer(g, block, x, {
      attention: (y) => attendWindow(g, inputs, block.index, assistantQueries(g, block, y), bare(block, "attn_output")),
      feedForward: (y) => dense(g, block, y, "gelu"),
    });
    return mul(y, block.need("layer_output_scale"));
  });
  const normed = modelNorm(g, "output_norm", x);
  const logits = g.expand(mulMat(weights.output(), normed));
  return { logits, nextHidden: g.expand(mulMat(weights.get("nextn.post_projection.weight"), normed)) };
};

function assistantQueries(g: GraphContext, block: BlockWeights, x: GraphTensor): WindowQueried {
  const { hp } = g;
  const il = block.index;
  const heads = reshape(mulMat(block.need("attn_q"), x), hp.keyDim(il), hp.heads(il), g.tokens);
  const normed = normOf(g, block, "attn_q_norm", heads);
  return { q: rope(normed, g.positions(), hp.isWindowed(il) ? undefined : g.rotaryFactors(il)) };
}

/** A matrix whose bias and scale are not read. */
function bare(block: BlockWeights, name: string): Projection {
  return { weight: block.weight(name), bias: undefined, scale: undefined };
}

export const GEMMA_4: Readonly<Record<string, GraphBuilder>> = {
  gemma3n,
  gemma4,
  "gemma4-assistant": gemma4Assistant,
};
