import { type Attention, type DecoderForm, decoders } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts, routingInFile } from "../blocks/experts.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { feedForwardOrExperts, withSharedExpert } from "../blocks/mixture.ts";
import { norm, normOf } from "../blocks/norm.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import { mamba1, mamba2, plamoMamba, type Scan } from "../blocks/scan.ts";
import { cacheAttender, type SelfAttentionOptions, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

const UNROTATED: SelfAttentionOptions = { rotates: false };

/** In recurrent layers a scan, in the others self-attention: memory is states here and caches there (`build_inp_mem_hybrid`). */
function scanOrAttention(g: GraphContext, scan: Scan, options?: SelfAttentionOptions): Attention {
  const attend = cacheAttender(g);
  const rows = stateRows(g);
  return (block, x) =>
    g.hp.isRecurrent(block.index) ? scan(g, rows, block, x) : selfAttention(g, block, x, attend, options);
}

/** Layers of Mamba 1, some of attention without positions, each with experts or a dense block (`src/models/jamba.cpp`). */
function jamba(g: GraphContext): DecoderForm {
  return {
    attention: scanOrAttention(g, mamba1, UNROTATED),
    residualFirst: "both",
    mixture: { normalized: false },
  };
}

/** Layers of Mamba 2, some of attention, with Granite's factors (`src/models/granite-hybrid.cpp`). */
function granite(g: GraphContext): DecoderForm {
  const { hp } = g;
  return {
    attention: scanOrAttention(g, mamba2, { rotates: hp.flag("rope.scaling.finetuned", true) }),
    scalesEmbeddings: hp.number("embedding_scale", 0) !== 0,
    scalesParts: hp.number("residual_scale", 0) !== 0,
    head: { scaledLogits: hp.number("logit_scale", 0) !== 0 },
  };
}

/** Layers of PLaMo's own scan, some of attention, normed before and after each part (`src/models/plamo2.cpp`). */
function plamo2(g: GraphContext): DecoderForm {
  return {
    attention: scanOrAttention(g, plamoMamba, { reads: "matrices" }),
    activation: "halves",
    keptAfter: "both",
  };
}

/** Attention and Mamba 2 side by side in each layer (`src/models/falcon-h1.cpp`). */
const falcon: GraphBuilder = (g) => {
  const attend = cacheAttender(g);
  const rows = stateRows(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const normed = (): GraphTensor => normOf(g, block, "attn_norm", x);
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
  const mixed = scanOrAttention(g, mamba2, UNROTATED);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const normed = normOf(g, block, "attn_norm", x);
    const isFeedForward = !g.hp.isRecurrent(block.index) && g.hp.intermediateSize(block.index) !== 0;
    return add(isFeedForward ? nemotronFeedForward(g, block, normed) : mixed(block, normed), x);
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
  ...decoders({ jamba, granitehybrid: granite, plamo2 }),
  "falcon-h1": falcon,
  nemotron_h: nemotron,
  nemotron_h_moe: nemotron,
};
