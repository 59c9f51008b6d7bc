import { type DecoderForm, decoders, type FeedForward } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts, gatingOf, routingInFile } from "../blocks/experts.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { mixture } from "../blocks/mixture.ts";
import { normOf } from "../blocks/norm.ts";
import { cacheAttender, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, scale } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";

/** A dense block for each token, and beside it experts that read what went into the attention (`src/models/arctic.cpp`). */
const arctic: GraphBuilder = (g) => {
  const attend = cacheAttender(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const attended = selfAttention(g, block, normOf(g, block, "attn_norm", x), attend);
    const before = putOut(g, block, x);
    const y = add(putOut(g, block, attended), before);
    // The dense block is expanded last, as it is added to what the experts gave.
    const sum = add(dense(g, block, normOf(g, block, "ffn_norm", y), "silu"), y);
    return add(experts(g, block, normOf(g, block, "ffn_norm_exps", before)), sum);
  });
  return head(g, x);
};

/** Experts, and after them smaller ones that groups of experts share (`src/models/grovemoe.cpp`). */
const groupedExperts: FeedForward = (g, block, x) => {
  const expertCount = g.hp.expertCount();
  const perGroup = g.hp.number("experts_per_group", 1);
  const groups = Math.floor(expertCount / perGroup);
  const common = { chosenBy: "sigmoid", probabilities: mulMat(block.need("ffn_gate_inp"), x) } as const;
  const first = experts(g, block, x, common);
  const second = experts(g, block, first, {
    ...common,
    name: "chexps",
    expertCount: groups,
    used: Math.min(groups, g.hp.expertsUsed()),
    ...(groups === expertCount ? {} : { sharedBy: perGroup }),
  });
  return add(first, scale(second));
};

/** Every fourth layer has no positions (`n_no_rope_layer_step`). */
const STEP = 4;

/** Embeddings are scaled, and heads gated (`src/models/afmoe.cpp`). */
function afmoe(g: GraphContext): DecoderForm {
  return {
    scalesEmbeddings: true,
    rotates: (layer) => (layer + 1) % STEP !== 0,
    keptAfter: "both",
    dropsTokens: "after norm",
    mixture: routingInFile(g, "sigmoid"),
  };
}

/** Sinks, biases everywhere (`src/models/openai-moe.cpp`). */
function gptOss({ hp }: GraphContext): DecoderForm {
  return {
    headDim: hp.rotaryDims(),
    secondNorm: "post_attention_norm",
    dropsTokens: "never",
    activation: "swiglu-oai",
    mixture: { gating: "softmax-of-chosen", normalized: false },
    head: { nextHidden: "before norm" },
  };
}

/** What attention gave is multiplied with a number, where the file has one (`src/models/mimo2.cpp`). */
function mimo2({ hp }: GraphContext): DecoderForm {
  const valueScale = hp.number("attention.value_scale", 1);
  return {
    reads: "matrices",
    scalesAttention: valueScale !== 0 && valueScale !== 1,
    mixture: { gating: "sigmoid" },
  };
}

/** Experts are chosen by what a layer is given, before attention (`src/models/smallthinker.cpp`). */
function smallThinker(g: GraphContext): DecoderForm {
  const { hp } = g;
  const routing = { gating: gatingOf(g, "softmax"), activation: "relu" } as const;
  return {
    rotates: (layer) => !hp.hasWindows() || hp.layerCount === STEP || layer % STEP !== 0,
    feedForward: (g, block, x, { before }) => {
      const probabilities = putOut(g, block, mulMat(block.need("ffn_gate_inp"), before));
      return mixture(g, block, x, { ...routing, probabilities });
    },
  };
}

/** Mixtures of experts that are a family of one, each `src/models/<its name>.cpp` where nothing else is said. */
export const MIXTURES: Readonly<Record<string, GraphBuilder>> = {
  arctic,
  ...decoders({
    afmoe,
    dbrx: { norm: "layer", secondNorm: "attn_output_norm" },
    dots1: (g) => ({ mixture: routingInFile(g, "softmax") }),
    "gpt-oss": gptOss,
    grovemoe: { feedForward: groupedExperts },
    laguna: (g) => ({ mixture: routingInFile(g, "sigmoid"), head: { unscaled: true } }),
    maple: ({ hp }) => ({ rotates: (layer) => hp.isWindowed(layer) }),
    mellum: { mixture: { scales: "all" } },
    mimo2,
    smallthinker: smallThinker,
    step35: (g) => ({
      copiesRows: true,
      factors: "full",
      dropsTokens: "never",
      mixture: routingInFile(g, "sigmoid"),
      head: { nextHidden: "before norm" },
    }),
  }),
};
