import { cacheInputs } from "../blocks/attention.ts";
import { readEmbeddings } from "../blocks/embedding.ts";
import { head } from "../blocks/head.ts";
import { layers } from "../blocks/layers.ts";
import { feedForwardOrExperts, type MixtureOptions } from "../blocks/mixture.ts";
import { type ResidualParts, residualLayer } from "../blocks/residual.ts";
import { cacheAttender, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { view } from "../ops/shapes.ts";
import { graniteSwitch, scalesParts } from "./granite-switch.ts";

/** How the Granite models differ, and which keys they read. */
type Design = {
  /** The engine has windows in mind whether a layer has one or not. */
  readonly windowed?: boolean;
  /** Layers may be given a stream of an image's embedding (`deepstack_mapping`). */
  readonly deepStack?: boolean;
  readonly isRotated: (g: GraphContext, layer: number) => boolean;
  readonly mixture?: MixtureOptions;
};

/** Granite: Llama with embeddings, residuals and logits that are multiplied with numbers (`src/models/granite.cpp`). */
function granite({ windowed = false, deepStack = false, isRotated, mixture }: Design): GraphBuilder {
  return (g) => {
    const attend = cacheAttender(g, cacheInputs(g), windowed);
    const streams = deepStack ? deepStackOf(g) : [];
    const used = new Set(streams.filter((stream) => stream >= 0)).size;
    const scaled = g.hp.number("embedding_scale", 0) !== 0;
    const { x: embeddings, read } = readEmbeddings(g, { scaled, inputSize: g.hp.hiddenSize * (1 + used) });
    const options = { scalesParts: scalesParts(g) };
    const x = layers(g, embeddings, (before, block) => {
      const il = block.index;
      const hasStream = il > 0 && (streams[il] ?? -1) >= 0;
      const x = hasStream ? add(before, view(read, [g.hp.hiddenSize, g.tokens], [read.nb[1]])) : before;
      const parts: ResidualParts = {
        attention: (y) => selfAttention(g, block, y, attend, { rotates: isRotated(g, il) }),
        feedForward: (y) => feedForwardOrExperts(g, block, y, mixture),
      };
      return residualLayer(g, block, x, parts, options);
    });
    return head(g, x, { scaledLogits: true });
  };
}

/** For each layer the stream that is added before it, or -1. */
function deepStackOf(g: GraphContext): number[] {
  const mapping = g.hp.key("deepstack_mapping");
  return Array.isArray(mapping) ? mapping.map(Number) : [];
}

const DESIGNS: Readonly<Record<string, Design>> = {
  // src/models/granite.cpp
  granite: { deepStack: true, isRotated: ({ hp }) => hp.flag("rope.scaling.finetuned", true) },
  // src/models/granite-moe.cpp
  granitemoe: { isRotated: () => true },
  // src/models/granite-swa.cpp
  granite_swa: {
    windowed: true,
    deepStack: true,
    isRotated: ({ hp }, layer) => hp.ofLayer("attention.rope_pattern", layer, 1) !== 0,
    // Gate and up of the expert that all tokens share are one matrix.
    mixture: { sharedActivation: "halves" },
  },
};

export const GRANITE: Readonly<Record<string, GraphBuilder>> = {
  graniteswitch: graniteSwitch,
  ...Object.fromEntries(Object.entries(DESIGNS).map(([name, design]) => [name, granite(design)])),
};
