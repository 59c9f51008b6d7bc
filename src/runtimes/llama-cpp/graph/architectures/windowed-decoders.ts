import { cacheInputs } from "../blocks/attention.ts";
import { type HeadOptions, head, layers, putOut } from "../blocks/decoder.ts";
import { denseOrMixed, routingInFile } from "../blocks/dense-or-mixed.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { type Activation, denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { type NormKind, norm } from "../blocks/norm.ts";
import { type ResidualParts, residualLayer } from "../blocks/residual.ts";
import { cacheAttender, rotatesWindowed, type SelfAttentionOptions, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, rmsNorm } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";

/** A decoder of which some layers see a window only, with dense feed-forwards. */
type WindowedDecoder = SelfAttentionOptions &
  Pick<ResidualParts, "kept" | "dropsTokens"> & {
    readonly activation?: Activation;
    /** Embeddings are normed, without a weight. */
    readonly normsEmbeddings?: boolean;
    readonly head?: (g: GraphContext) => HeadOptions;
  };

const KEPT_NOWHERE = { attention: false, feedForward: false };
const KEPT_BOTH = { attention: true, feedForward: true };

const DECODERS: Readonly<Record<string, WindowedDecoder>> = {
  // Norms after attention and feed-forward only, those of the heads over all of them (src/models/olmo2.cpp).
  olmo2: { normsRows: true },
  // src/models/exaone4.cpp
  exaone4: { rotates: (g, layer) => !g.hp.hasWindows() || g.hp.isWindowed(layer), factors: "all" },
  // src/models/plamo3.cpp
  plamo3: { bare: true, activation: "halves", kept: KEPT_BOTH },
  // src/models/muse-glimmer.cpp; the cap is 30 where the file does not say.
  "muse-glimmer": {
    normsEmbeddings: true,
    rotates: rotatesWindowed,
    kept: KEPT_NOWHERE,
    dropsTokens: "after norm",
    head: (g) => ({ scaledLogits: true, cappedLogits: g.hp.number("final_logit_softcapping", 30) !== 0 }),
  },
  // src/models/spark2-5.cpp
  spark2_5: { activation: "gelu", head: () => ({ unscaled: true }) },
};

function decoder(options: WindowedDecoder): GraphBuilder {
  const { activation = "silu", normsEmbeddings = false, head: headOf, kept, dropsTokens } = options;
  return (g) => {
    const attend = cacheAttender(g, cacheInputs(g));
    const embeddings = tokenEmbeddings(g);
    const x = layers(g, normsEmbeddings ? rmsNorm(embeddings) : embeddings, (x, block) =>
      residualLayer(g, block, x, {
        attention: (y) => selfAttention(g, block, y, attend, options),
        feedForward: (y) => feedForward(y, withoutScales(denseParts(block)), activation),
        ...(kept && { kept }),
        ...(dropsTokens && { dropsTokens }),
      }),
    );
    return head(g, x, headOf?.(g));
  };
}

/**
 * Attention and feed-forward read the same normed hidden states (`src/models/cohere2.cpp`, `cohere2moe.cpp`). Layers with a
 * window are rotated, and of the mixtures the dense ones at the start.
 */
const cohere2: GraphBuilder = (g) =>
  head(g, parallelLayers(g, "layer", true), { kind: "layer", scaledLogits: scalesLogits(g) });

const cohere2moe: GraphBuilder = (g) => {
  const kind: NormKind = g.hp.number("attention.layer_norm_rms_epsilon", 0) === 0 ? "layer" : "rms";
  const x = parallelLayers(g, kind, false);
  return head(g, x, { kind, scaledLogits: scalesLogits(g), unscaled: true, nextHidden: "after norm" });
};

const scalesLogits = (g: GraphContext): boolean => g.hp.number("logit_scale", 0) !== 0;

function parallelLayers(g: GraphContext, kind: NormKind, dropsTokens: boolean): GraphTensor {
  const attend = cacheAttender(g, cacheInputs(g));
  const routing = { ...routingInFile(g), unbiased: true };
  const denseLead = g.hp.number("leading_dense_block_count", 0);
  const rotates = (_: GraphContext, layer: number): boolean => g.hp.isWindowed(layer) || layer < denseLead;
  return layers(g, tokenEmbeddings(g), (x, block) => {
    const dropped = (y: GraphTensor): GraphTensor => (dropsTokens ? putOut(g, block, y) : y);
    const normed = norm(g, x, block.weight("attn_norm"), kind, block.index);
    const attended = dropped(selfAttention(g, block, normed, attend, { rotates, factors: "all" }));
    const rest = dropped(x);
    return add(add(denseOrMixed(g, block, dropped(normed), routing, { averaged: true }), rest), attended);
  });
}

export const WINDOWED_DECODERS: Readonly<Record<string, GraphBuilder>> = {
  ...Object.fromEntries(Object.entries(DECODERS).map(([name, options]) => [name, decoder(options)])),
  cohere2,
  cohere2moe,
};
