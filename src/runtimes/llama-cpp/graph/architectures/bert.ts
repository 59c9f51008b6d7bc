import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { dense, denseParts, feedForward } from "../blocks/feed-forward.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { modelNorm, normOf } from "../blocks/norm.ts";
import { batchAttender, type SelfAttentionOptions, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { getRows } from "../ops/products.ts";
import { view } from "../ops/shapes.ts";
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
  // Queries and keys are normed over all heads, where the model has norms for that.
  const attention: SelfAttentionOptions = {
    normsHeads: "rejoined",
    headNorm: "layer",
    rotates: positions === "rotary",
  };
  return (g) => {
    const embeddings = inputEmbeddings(g, positions === "learned");
    const attend = batchAttender(g);
    const x = layers(g, embeddings, (x, block) => {
      const attended = selfAttention(g, block, x, attend, attention);
      const before = putOut(g, block, x);
      let y = normOf(g, block, "attn_output_norm", add(putOut(g, block, attended), before), "layer");
      if (block.weight("attn_norm_2") !== undefined) y = normOf(g, block, "attn_norm_2", add(y, before), "layer");
      return normOf(g, block, "layer_output_norm", add(mixed(g, block, y), y), "layer");
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
  return modelNorm(g, "token_embd_norm", x, "layer", 0);
}

function ungated(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  return dense(g, block, x, "gelu");
}

function gated(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  return dense(g, block, x, "silu", { unbiased: true });
}

/** The matrix that goes up may hold the gate too; a gate of its own has no bias (`src/models/jina-bert-v2.cpp`). */
function gatedOrNot(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { up, gate, down } = denseParts(block);
  const isJoint = gate?.weight === undefined && block.need("ffn_up").ne[1] !== g.hp.intermediateSize();
  return feedForward(x, { up, gate: gate && { ...gate, bias: undefined }, down }, isJoint ? "halves" : "gelu");
}

function expertsInSome(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const every = g.hp.number("moe_every_n_layers", 0);
  if (every === 0 || block.index % every !== 1) return ungated(g, block, x);
  return experts(g, block, x, { activation: "gelu", normalized: false });
}

export const BERT: Readonly<Record<string, GraphBuilder>> = Object.fromEntries(
  Object.entries(MEMBERS).map(([name, member]) => [name, bert(member)]),
);
