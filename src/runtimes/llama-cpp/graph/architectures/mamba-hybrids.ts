import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts, routingInFile } from "../blocks/experts.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { feedForwardOrExperts, withSharedExpert } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { type StateRows, stateRows } from "../blocks/recurrent-state.ts";
import { mamba1, mamba2, plamoMamba } from "../blocks/scan.ts";
import { type Attender, cacheAttender, type SelfAttentionOptions, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, scale } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Inputs of both memories of a hybrid: caches of the layers that attend, states of the others (`build_inp_mem_hybrid`). */
type Memories = { readonly attend: Attender; readonly rows: StateRows };

function memories(g: GraphContext): Memories {
  return { attend: cacheAttender(g), rows: stateRows(g) };
}

const UNROTATED: SelfAttentionOptions = { rotates: false };

/** Layers of Mamba 1, some of attention without positions, each with experts or a dense block (`src/models/jamba.cpp`). */
const jamba: GraphBuilder = (g) => {
  const { attend, rows } = memories(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const normed = norm(g, x, block.weight("attn_norm"), "rms", block.index);
    const mixed = g.hp.isRecurrent(block.index)
      ? mamba1(g, rows, block, normed)
      : selfAttention(g, block, normed, attend, UNROTATED);
    const y = add(putOut(g, block, x), putOut(g, block, mixed));
    const inner = norm(g, y, block.weight("ffn_norm"), "rms", block.index);
    return add(y, feedForwardOrExperts(g, block, inner, { normalized: false }));
  });
  return head(g, x);
};

/** Layers of Mamba 2, some of attention, with Granite's factors (`src/models/granite-hybrid.cpp`). */
const granite: GraphBuilder = (g) => {
  const { hp } = g;
  const { attend, rows } = memories(g);
  const embeddings = tokenEmbeddings(g, { scaled: hp.number("embedding_scale", 0) !== 0 });
  const rotates = hp.flag("rope.scaling.finetuned", true);
  const scaledPart = (y: GraphTensor): GraphTensor => (hp.number("residual_scale", 0) === 0 ? y : scale(y));
  const x = layers(g, embeddings, (x, block) => {
    const normed = norm(g, x, block.weight("attn_norm"), "rms", block.index);
    const mixed = hp.isRecurrent(block.index)
      ? mamba2(g, rows, block, normed)
      : selfAttention(g, block, normed, attend, { rotates });
    const y = add(scaledPart(putOut(g, block, mixed)), putOut(g, block, x));
    const inner = norm(g, y, block.weight("ffn_norm"), "rms", block.index);
    return add(scaledPart(feedForwardOrExperts(g, block, inner)), y);
  });
  return head(g, x, { scaledLogits: hp.number("logit_scale", 0) !== 0 });
};

/** Layers of PLaMo's own scan, some of attention, normed before and after each part (`src/models/plamo2.cpp`). */
const plamo2: GraphBuilder = (g) => {
  const { hp } = g;
  const { attend, rows } = memories(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const normed = norm(g, x, block.weight("attn_norm"), "rms", il);
    const mixed = hp.isRecurrent(il)
      ? plamoMamba(g, rows, block, normed)
      : selfAttention(g, block, normed, attend, { reads: "matrices" });
    const after = norm(g, putOut(g, block, mixed), block.needPlain("post_attention_norm"), "rms", il);
    const y = add(after, putOut(g, block, x));
    const z = dense(g, block, norm(g, y, block.weight("ffn_norm"), "rms", il), "halves");
    return add(norm(g, z, block.needPlain("post_ffw_norm"), "rms", il), y);
  });
  return head(g, x);
};

/** Attention and Mamba 2 side by side in each layer (`src/models/falcon-h1.cpp`). */
const falcon: GraphBuilder = (g) => {
  const { attend, rows } = memories(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const normed = (): GraphTensor => norm(g, x, block.weight("attn_norm"), "rms", il);
    const attended = selfAttention(g, block, normed(), attend, { factors: "none", unbiasedOutput: true });
    const scanned = mamba2(g, rows, block, normed());
    const y = putOut(g, block, add(add(attended, scanned), x));
    const inner = norm(g, y, block.needPlain("ffn_norm"), "rms", il);
    return add(dense(g, block, inner, "silu"), y);
  });
  return head(g, x);
};

/** One part a layer: Mamba 2, attention without positions, or a feed-forward (`src/models/nemotron-h.cpp`). */
const nemotron: GraphBuilder = (g) => {
  const { hp } = g;
  const { attend, rows } = memories(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const normed = norm(g, x, block.weight("attn_norm"), "rms", il);
    if (hp.isRecurrent(il)) return add(mamba2(g, rows, block, normed), x);
    if (hp.intermediateSize(il) !== 0) return add(nemotronFeedForward(g, block, normed), x);
    return add(selfAttention(g, block, normed, attend, UNROTATED), x);
  });
  return head(g, x, { nextHidden: "after norm" });
};

/** Squared relu; experts may work in a narrower space, beside one that all tokens share. */
function nemotronFeedForward(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const common = { activation: "relu-squared", scales: "all" } as const;
  if (block.weight("ffn_gate_inp") === undefined) return feedForwardOrExperts(g, block, x, common);
  const narrow = block.weight("ffn_latent_down");
  const wide = block.weight("ffn_latent_up");
  const mixed = experts(g, block, narrow === undefined ? x : mulMat(narrow, x), {
    ...routingInFile(g, "sigmoid"),
    gating: "sigmoid",
    activation: "relu-squared",
    scaled: true,
    used: g.hp.expertsUsed(block.index),
    probabilities: mulMat(block.need("ffn_gate_inp"), x),
  });
  return withSharedExpert(g, block, x, wide === undefined ? mixed : mulMat(wide, mixed), common);
}

export const MAMBA_HYBRIDS: Readonly<Record<string, GraphBuilder>> = {
  jamba,
  granitehybrid: granite,
  plamo2,
  "falcon-h1": falcon,
  nemotron_h: nemotron,
  nemotron_h_moe: nemotron,
};
