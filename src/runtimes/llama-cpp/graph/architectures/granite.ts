import { attendCache, attendWindow, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { readEmbeddings } from "../blocks/embedding.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { feedForwardOrExperts, type MixtureOptions } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { positionedHeads } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { graniteSwitch, residual } from "./granite-switch.ts";

/** How the Granite models differ, and which keys they read. */
type Design = {
  /** Layers see windows, and have sinks. */
  readonly windowed?: boolean;
  /** Layers may be given a stream of an image's embedding (`deepstack_mapping`). */
  readonly deepStack?: boolean;
  readonly isRotated: (g: GraphContext, layer: number) => boolean;
  readonly mixture?: MixtureOptions;
};

/** Granite: Llama with embeddings, residuals and logits that are multiplied with numbers (`src/models/granite.cpp`). */
function granite(design: Design): GraphBuilder {
  return (g) => {
    const inputs = cacheInputs(g);
    const streams = design.deepStack ? deepStackOf(g) : [];
    const used = new Set(streams.filter((stream) => stream >= 0)).size;
    const scaled = g.hp.number("embedding_scale", 0) !== 0;
    const { x: embeddings, read } = readEmbeddings(g, { scaled, inputSize: g.hp.hiddenSize * (1 + used) });
    const x = layers(g, embeddings, (before, block) => {
      const il = block.index;
      const hasStream = il > 0 && (streams[il] ?? -1) >= 0;
      const x = hasStream ? add(before, view(read, [g.hp.hiddenSize, g.tokens], [read.nb[1]])) : before;
      const y = attention(g, inputs, block, norm(g, x, block.weight("attn_norm"), "rms", il), design);
      const sum = add(residual(g, putOut(g, block, y)), putOut(g, block, x));
      const normed = norm(g, sum, block.weight("ffn_norm"), "rms", il);
      return add(residual(g, feedForwardOrExperts(g, block, normed, design.mixture)), sum);
    });
    return head(g, x, { scaledLogits: true });
  };
}

/** For each layer the stream that is added before it, or -1. */
function deepStackOf(g: GraphContext): number[] {
  const mapping = g.hp.key("deepstack_mapping");
  return Array.isArray(mapping) ? mapping.map(Number) : [];
}

function attention(
  g: GraphContext,
  inputs: CacheInputs,
  block: BlockWeights,
  x: GraphTensor,
  { windowed, isRotated }: Design,
): GraphTensor {
  const il = block.index;
  const queried = positionedHeads(g, block, x, { rotates: isRotated(g, il) });
  const output = block.projection("attn_output");
  if (!windowed) return attendCache(g, inputs, il, queried, output);
  return attendWindow(g, inputs, il, queried, output, { sinks: block.weight("attn_sinks") });
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
