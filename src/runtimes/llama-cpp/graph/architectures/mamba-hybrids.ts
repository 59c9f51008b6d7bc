import { attendCache, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import { unbiased } from "../blocks/projection.ts";
import { cutInThree, queryKeyValue } from "../blocks/qkv.ts";
import { type StateRows, stateRows } from "../blocks/recurrent-state.ts";
import { mamba1, mamba2, plamoMamba } from "../blocks/scan.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, rope, scale } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Inputs of both memories of a hybrid: caches of the layers that attend, states of the others (`build_inp_mem_hybrid`). */
type Memories = { readonly caches: CacheInputs; readonly rows: StateRows };

function memories(g: GraphContext): Memories {
  return { caches: cacheInputs(g), rows: stateRows(g) };
}

/** Layers of Mamba 1, some of attention without positions, each with experts or a dense block (`src/models/jamba.cpp`). */
const jamba: GraphBuilder = (g) => {
  const { caches, rows } = memories(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const normed = norm(g, x, block.weight("attn_norm"), "rms", block.index);
    const mixed = g.hp.isRecurrent(block.index)
      ? mamba1(g, rows, block, normed)
      : attendCache(g, caches, block.index, queryKeyValue(g, block, normed), block.projection("attn_output"));
    const y = add(putOut(g, block, x), putOut(g, block, mixed));
    const inner = norm(g, y, block.weight("ffn_norm"), "rms", block.index);
    if (block.weight("ffn_gate_inp") === undefined)
      return add(y, feedForward(inner, withoutScales(denseParts(block)), "silu"));
    const options = {
      gating: "softmax",
      activation: "silu",
      normalized: false,
      unbiased: true,
      unscaled: true,
    } as const;
    return add(y, experts(g, block, inner, options));
  });
  return head(g, x);
};

/** Layers of Mamba 2, some of attention, with Granite's factors (`src/models/granite-hybrid.cpp`). */
const granite: GraphBuilder = (g) => {
  const { hp } = g;
  const { caches, rows } = memories(g);
  const embeddings = tokenEmbeddings(g, { scaled: hp.number("embedding_scale", 0) !== 0 });
  const scaledPart = (y: GraphTensor): GraphTensor => (hp.number("residual_scale", 0) === 0 ? y : scale(y));
  const x = layers(g, embeddings, (x, block) => {
    const normed = norm(g, x, block.weight("attn_norm"), "rms", block.index);
    const mixed = hp.isRecurrent(block.index)
      ? mamba2(g, rows, block, normed)
      : graniteAttention(g, caches, block, normed);
    const y = add(scaledPart(putOut(g, block, mixed)), putOut(g, block, x));
    const inner = norm(g, y, block.weight("ffn_norm"), "rms", block.index);
    return add(scaledPart(graniteFeedForward(g, block, inner)), y);
  });
  return head(g, x, { scaledLogits: hp.number("logit_scale", 0) !== 0 });
};

function graniteAttention(g: GraphContext, caches: CacheInputs, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { q, k, v } = queryKeyValue(g, block, x);
  const factors = g.rotaryFactors(block.index);
  const rotates = g.hp.flag("rope.scaling.finetuned", true);
  const rotated = (y: GraphTensor): GraphTensor => (rotates ? rope(y, g.positions(), factors) : y);
  return attendCache(g, caches, block.index, { q: rotated(q), k: rotated(k), v }, block.projection("attn_output"));
}

function graniteFeedForward(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  if (block.weight("ffn_gate_inp") === undefined) return feedForward(x, withoutScales(denseParts(block)), "silu");
  const mixed = experts(g, block, x, {
    gating: "softmax",
    activation: "silu",
    normalized: true,
    unbiased: true,
    unscaled: true,
  });
  const isShared = g.hp.number("expert_shared_feed_forward_length", 0) > 0;
  return isShared ? add(mixed, feedForward(x, withoutScales(denseParts(block, "_shexp")), "silu")) : mixed;
}

/** Layers of PLaMo's own scan, some of attention, normed before and after each part (`src/models/plamo2.cpp`). */
const plamo2: GraphBuilder = (g) => {
  const { hp } = g;
  const { caches, rows } = memories(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const normed = norm(g, x, block.weight("attn_norm"), "rms", il);
    const mixed = hp.isRecurrent(il) ? plamoMamba(g, rows, block, normed) : plamoAttention(g, caches, block, normed);
    const after = norm(g, putOut(g, block, mixed), block.needPlain("post_attention_norm"), "rms", il);
    const y = add(after, putOut(g, block, x));
    const { up, down } = withoutScales(denseParts(block));
    const z = feedForward(norm(g, y, block.weight("ffn_norm"), "rms", il), { up, down }, "halves");
    return add(norm(g, z, block.needPlain("post_ffw_norm"), "rms", il), y);
  });
  return head(g, x);
};

function plamoAttention(g: GraphContext, caches: CacheInputs, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { hp } = g;
  const il = block.index;
  const dims = { q: hp.keyDim(il), k: hp.keyDim(il), v: hp.valueDim(il) };
  const heads = { q: hp.heads(il), k: hp.kvHeads(il), v: hp.kvHeads(il) };
  const { q, k, v } = cutInThree(g, mulMat(block.need("attn_qkv"), x), dims, heads);
  const turned = (y: GraphTensor, name: string): GraphTensor =>
    rope(norm(g, y, block.weight(name), "rms", il), g.positions());
  const queried = { q: turned(q, "attn_q_norm"), k: turned(k, "attn_k_norm"), v };
  return attendCache(g, caches, il, queried, block.projection("attn_output"));
}

/** Attention and Mamba 2 side by side in each layer (`src/models/falcon-h1.cpp`). */
const falcon: GraphBuilder = (g) => {
  const { caches, rows } = memories(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const normed = (): GraphTensor => norm(g, x, block.weight("attn_norm"), "rms", il);
    const { q, k, v } = queryKeyValue(g, block, normed());
    const queried = { q: rope(q, g.positions()), k: rope(k, g.positions()), v };
    const attended = attendCache(g, caches, il, queried, unbiased(block.projection("attn_output")));
    const scanned = mamba2(g, rows, block, normed());
    const y = putOut(g, block, add(add(attended, scanned), x));
    const inner = norm(g, y, block.needPlain("ffn_norm"), "rms", il);
    return add(feedForward(inner, withoutScales(denseParts(block)), "silu"), y);
  });
  return head(g, x);
};

/** One part a layer: Mamba 2, attention without positions, or a feed-forward (`src/models/nemotron-h.cpp`). */
const nemotron: GraphBuilder = (g) => {
  const { hp } = g;
  const { caches, rows } = memories(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const normed = norm(g, x, block.weight("attn_norm"), "rms", il);
    if (hp.isRecurrent(il)) return add(mamba2(g, rows, block, normed), x);
    if (hp.intermediateSize(il) !== 0) return add(nemotronFeedForward(g, block, normed), x);
    const queried = queryKeyValue(g, block, normed);
    return add(attendCache(g, caches, il, queried, block.projection("attn_output")), x);
  });
  return head(g, x, { nextHidden: "after norm" });
};

/** Squared relu; experts may work in a narrower space, beside one that all tokens share. */
function nemotronFeedForward(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  if (block.weight("ffn_gate_inp") === undefined) {
    const { up, down } = denseParts(block);
    return feedForward(x, { up, down }, "relu-squared");
  }
  const narrow = block.weight("ffn_latent_down");
  const wide = block.weight("ffn_latent_up");
  const mixed = experts(g, block, narrow === undefined ? x : mulMat(narrow, x), {
    gating: "sigmoid",
    activation: "relu-squared",
    normalized: g.hp.flag("expert_weights_norm", false),
    weightScale: g.hp.number("expert_weights_scale", 0),
    used: g.hp.expertsUsed(block.index),
    probabilities: mulMat(block.need("ffn_gate_inp"), x),
  });
  const { up, down } = denseParts(block, "_shexp");
  const shared = feedForward(x, { up, down }, "relu-squared");
  return add(wide === undefined ? mixed : mulMat(wide, mixed), shared);
}

export const MAMBA_HYBRIDS: Readonly<Record<string, GraphBuilder>> = {
  jamba,
  granitehybrid: granite,
  plamo2,
  "falcon-h1": falcon,
  nemotron_h: nemotron,
  nemotron_h_moe: nemotron,
};
