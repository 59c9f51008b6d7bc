import { attendBatch, batchInputs } from "../blocks/attention.ts";
import { layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { bareParts, denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { type HeadStep, rotary } from "../blocks/rotary.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { getRows } from "../ops/products.ts";
import { reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** How a model of the family differs from the others. */
type Bert = {
  /** Learned and added to the embeddings, rotary, or slopes of the scores (ALiBi), which add no node. */
  readonly positions: "learned" | "rotary" | "slopes";
  readonly feedForward: (g: GraphContext, block: BlockWeights, x: GraphTensor) => GraphTensor;
};

const MEMBERS: Readonly<Record<string, Bert>> = {
  bert: { positions: "learned", feedForward: ungated },
  "nomic-bert": { positions: "rotary", feedForward: gated },
  "nomic-bert-moe": { positions: "rotary", feedForward: expertsInSome },
  "jina-bert-v2": { positions: "slopes", feedForward: gatedOrNot },
  "jina-bert-v3": { positions: "rotary", feedForward: ungated },
};

/** BERT and its kin: a norm after attention and one after the feed-forward (`src/models/bert.cpp`). */
function bert({ positions, feedForward: mixed }: Bert): GraphBuilder {
  return (g) => {
    const embeddings = inputEmbeddings(g, positions === "learned");
    const inputs = batchInputs(g);
    const x = layers(g, embeddings, (x, block) => {
      const il = block.index;
      const normed = normedHeads(g, block, queryKeyValue(g, block, x));
      const heads = positions === "rotary" ? rotary()(g, block, normed) : normed;
      const attended = attendBatch(g, inputs, il, heads, block.projection("attn_output"));
      const before = putOut(g, block, x);
      let y = normAfter(g, block, "attn_output_norm", add(putOut(g, block, attended), before));
      if (block.weight("attn_norm_2") !== undefined) y = normAfter(g, block, "attn_norm_2", add(y, before));
      return normAfter(g, block, "layer_output_norm", add(mixed(g, block, y), y));
    });
    return { embedding: g.expand(x) };
  };
}

/** Embeddings of the tokens, of the first kind of segment and of the positions, normed. */
function inputEmbeddings(g: GraphContext, withPositions: boolean): GraphTensor {
  let x = tokenEmbeddings(g);
  const segments = g.weights.find("token_types.weight");
  if (segments !== undefined) x = add(x, view(segments, [g.hp.hiddenSize]));
  if (withPositions) x = add(getRows(g.weights.get("position_embd.weight"), g.positions()), x);
  return norm(g, x, g.weights.find("token_embd_norm.weight"), "layer", 0, g.weights.find("token_embd_norm.bias"));
}

function normAfter(g: GraphContext, block: BlockWeights, name: string, x: GraphTensor): GraphTensor {
  return norm(g, x, block.weight(name), "layer", block.index, block.bias(name));
}

/** Queries and keys are normed over all heads, where the model has norms for that. */
const normedHeads: HeadStep = (g, block, { q, k, v }) => {
  const normed = (x: GraphTensor, name: string): GraphTensor => {
    if (block.weight(name) === undefined) return x;
    const [dim, heads, tokens] = x.ne;
    return reshape(normAfter(g, block, name, reshape(x, dim * heads, tokens)), dim, heads, tokens);
  };
  return { q: normed(q, "attn_q_norm"), k: normed(k, "attn_k_norm"), v };
};

function ungated(_: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { up, down } = withoutScales(denseParts(block));
  return feedForward(x, { up, down }, "gelu");
}

function gated(_: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  return feedForward(x, bareParts(block), "silu");
}

/** The matrix that goes up may hold the gate too; a gate of its own has no bias (`src/models/jina-bert-v2.cpp`). */
function gatedOrNot(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { up, gate, down } = withoutScales(denseParts(block));
  const isJoint = gate?.weight === undefined && block.need("ffn_up").ne[1] !== g.hp.intermediateSize();
  return feedForward(x, { up, gate: gate && { ...gate, bias: undefined }, down }, isJoint ? "halves" : "gelu");
}

function expertsInSome(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const every = g.hp.number("moe_every_n_layers", 0);
  if (every === 0 || block.index % every !== 1) return ungated(g, block, x);
  return experts(g, block, x, {
    gating: "softmax",
    activation: "gelu",
    normalized: false,
    unbiased: true,
    unscaled: true,
  });
}

export const BERT: Readonly<Record<string, GraphBuilder>> = Object.fromEntries(
  Object.entries(MEMBERS).map(([name, member]) => [name, bert(member)]),
);
