import { tokenEmbeddings } from "../blocks/embedding.ts";
import { denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import { bareFeedForward, biasedFeedForward, type LayerPart, preNormDecoder } from "../blocks/pre-norm.ts";
import { type HeadStep, rotary } from "../blocks/rotary.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { getRows } from "../ops/products.ts";
import { reshape } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";

/** Embeddings of tokens, plus those of their positions where the model learned any. */
function positionedEmbeddings(g: GraphContext): GraphTensor {
  const tokens = tokenEmbeddings(g);
  const positions = g.weights.find("position_embd.weight");
  return positions === undefined ? tokens : add(tokens, getRows(positions, g.positions()));
}

/** Normed embeddings, on the device of the first layer (`src/models/bloom.cpp`). */
function normedEmbeddings(g: GraphContext): GraphTensor {
  const { weight, bias } = g.weights.projection("token_embd_norm");
  return norm(g, tokenEmbeddings(g), weight, "layer", 0, bias);
}

/** All heads of a token are normed at once, where the file has the norms (`src/models/mpt.cpp`). */
const normedWhole: HeadStep = (g, block, { q, k, v }) => {
  if (block.weight("attn_q_norm") === undefined) return { q, k, v };
  const normed = (x: GraphTensor, name: string): GraphTensor => {
    const rows = reshape(x, x.ne[0] * x.ne[1], g.tokens);
    return reshape(norm(g, rows, block.weight(name), "layer", block.index, block.bias(name)), ...x.ne);
  };
  return { q: normed(q, "attn_q_norm"), k: normed(k, "attn_k_norm"), v };
};

/** Gelu's result is divided by numbers of the file (`src/models/mpt.cpp`). */
const scaledGelu: LayerPart = (_, block, x) =>
  feedForward(x, { ...withoutScales(denseParts(block)), activationScales: block.plain("ffn.act.scales") }, "gelu");

const gelu = biasedFeedForward("gelu");

/**
 * Decoders of the time before rotary positions, each `src/models/<its name>.cpp`. Positions are in the embedding or, as
 * linear biases, in the mask (ALiBi), which changes no size.
 */
export const LEARNED_POSITIONS: Readonly<Record<string, GraphBuilder>> = {
  bloom: preNormDecoder({ kind: "layer", embed: normedEmbeddings, feedForward: gelu }),
  gpt2: preNormDecoder({ kind: "layer", embed: positionedEmbeddings, feedForward: gelu }),
  gptneox: preNormDecoder({
    kind: "layer",
    position: rotary(),
    feedForward: gelu,
    isParallel: (g) => g.hp.flag("use_parallel_residual", false),
  }),
  jais: preNormDecoder({ kind: "layer", feedForward: biasedFeedForward("silu") }),
  mpt: preNormDecoder({ kind: "layer", embed: positionedEmbeddings, position: normedWhole, feedForward: scaledGelu }),
  refact: preNormDecoder({ outputBias: false, feedForward: bareFeedForward("silu") }),
};
