import { cacheInputs } from "../blocks/attention.ts";
import { type HeadOptions, head, layers, putOut } from "../blocks/decoder.ts";
import { denseOrMixed, type Routing, routingInFile } from "../blocks/dense-or-mixed.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { gatingOf } from "../blocks/experts.ts";
import { limitOf } from "../blocks/feed-forward.ts";
import { type ResidualParts, residualLayer } from "../blocks/residual.ts";
import { cacheAttender, rotatesWindowed, type SelfAttentionOptions, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { scale } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";

/** A mixture of experts of which some layers see a window only. */
type WindowedMixture = SelfAttentionOptions &
  Pick<ResidualParts, "kept" | "dropsTokens" | "feedForwardNorm"> & {
    readonly scaledEmbeddings?: boolean;
    /** What attention gave is multiplied with a number, where the file has one (`attention.value_scale`). */
    readonly scaledValues?: boolean;
    /** Experts are chosen by what a layer is given, before attention. */
    readonly routesEarly?: boolean;
    /** How experts are chosen and weighted. */
    readonly routing: (g: GraphContext, layer: number) => Routing;
    readonly head?: HeadOptions;
  };

/** As the file says; the scales of an NVFP4 file are not read. */
const unscaledInFile = (g: GraphContext): Routing => ({ ...routingInFile(g), unscaled: true });

/** Every fourth layer has no positions (`n_no_rope_layer_step`). */
const STEP = 4;

const MIXTURES: Readonly<Record<string, WindowedMixture>> = {
  // Sinks, biases everywhere (src/models/openai-moe.cpp).
  "gpt-oss": {
    headDim: (g) => g.hp.rotaryDims(),
    feedForwardNorm: "post_attention_norm",
    dropsTokens: "never",
    routing: () => ({
      gating: "softmax-of-chosen",
      activation: "swiglu-oai",
      normalized: false,
      unbiased: true,
      unscaled: true,
      routerBias: true,
    }),
    head: { nextHidden: "before norm" },
  },
  // src/models/afmoe.cpp
  afmoe: {
    scaledEmbeddings: true,
    rotates: (_, layer) => (layer + 1) % STEP !== 0,
    kept: { attention: true, feedForward: true },
    dropsTokens: "after norm",
    routing: unscaledInFile,
  },
  // src/models/exaone-moe.cpp
  "exaone-moe": { rotates: rotatesWindowed, factors: "all", routing: unscaledInFile },
  // src/models/laguna.cpp
  laguna: { routing: unscaledInFile, head: { unscaled: true } },
  // src/models/mellum.cpp
  mellum: { routing: () => ({ gating: "softmax", normalized: true, unbiased: true }) },
  // src/models/smallthinker.cpp
  smallthinker: {
    rotates: rotatesBetween,
    routesEarly: true,
    routing: (g) => ({
      gating: gatingOf(g, "softmax"),
      activation: "relu",
      normalized: true,
      unbiased: true,
      unscaled: true,
    }),
  },
  // src/models/maple.cpp
  maple: {
    rotates: rotatesWindowed,
    routing: (g, layer) => ({
      gating: "softmax",
      normalized: true,
      unbiased: true,
      unscaled: true,
      limit: limitOf(g, "swiglu_clamp_exp", layer, true),
    }),
  },
  // src/models/mimo2.cpp
  mimo2: {
    bare: true,
    scaledValues: true,
    routing: () => ({ gating: "sigmoid", normalized: true, unscaled: true }),
  },
  // src/models/step35.cpp
  step35: {
    copiesRows: true,
    factors: "full",
    dropsTokens: "never",
    routing: (g, layer) => ({ ...unscaledInFile(g), limit: limitOf(g, "swiglu_clamp_exp", layer, false) }),
    head: { nextHidden: "before norm" },
  },
};

/** Smallthinker: all layers of a model without windows, or of as many layers as a step. */
function rotatesBetween({ hp }: GraphContext, layer: number): boolean {
  return !hp.hasWindows() || hp.layerCount === STEP || layer % STEP !== 0;
}

function mixture(options: WindowedMixture): GraphBuilder {
  const { scaledEmbeddings = false, scaledValues = false, routesEarly = false } = options;
  const { kept, dropsTokens, feedForwardNorm } = options;
  return (g) => {
    const attend = cacheAttender(g, cacheInputs(g));
    const valueScale = g.hp.number("attention.value_scale", 1);
    const scalesValues = scaledValues && valueScale !== 0 && valueScale !== 1;
    const x = layers(g, tokenEmbeddings(g, { scaled: scaledEmbeddings }), (x, block) =>
      residualLayer(g, block, x, {
        attention: (y) => {
          const attended = selfAttention(g, block, y, attend, options);
          return scalesValues ? scale(attended) : attended;
        },
        feedForward: (y) => {
          const routing = options.routing(g, block.index);
          if (!routesEarly) return denseOrMixed(g, block, y, routing);
          const probabilities = putOut(g, block, mulMat(block.need("ffn_gate_inp"), x));
          return denseOrMixed(g, block, y, { ...routing, probabilities });
        },
        ...(kept && { kept }),
        ...(dropsTokens && { dropsTokens }),
        ...(feedForwardNorm && { feedForwardNorm }),
      }),
    );
    return head(g, x, options.head);
  };
}

export const WINDOWED_MIXTURES: Readonly<Record<string, GraphBuilder>> = Object.fromEntries(
  Object.entries(MIXTURES).map(([name, options]) => [name, mixture(options)]),
);
