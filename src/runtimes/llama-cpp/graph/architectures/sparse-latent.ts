import { attendLatent, cacheInputs } from "../blocks/attention.ts";
import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { routingInFile } from "../blocks/experts.ts";
import { head } from "../blocks/head.ts";
import {
  mixHead,
  mixIndependent,
  putOutStreams,
  spreadIndependent,
  streamCount,
  streamsOf,
} from "../blocks/hyper-connections.ts";
import { chosenCells, chosenOf } from "../blocks/indexer.ts";
import { absorbedHeads, latentQuery } from "../blocks/latent.ts";
import { layers } from "../blocks/layers.ts";
import { feedForwardOrExperts } from "../blocks/mixture.ts";
import { normOf } from "../blocks/norm.ts";
import { project } from "../blocks/projection.ts";
import { gatedHeads } from "../blocks/self-attention.ts";
import { CannotDraw } from "../cannot-draw.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { mul, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";

/**
 * Latent attention to the cells that an indexer picks (`src/models/deepseek32.cpp`). Layers without an indexer attend to
 * those that the last one before them picked (GLM 5.2, `src/models/glm-dsa.cpp`).
 */
function deepseek32(g: GraphContext): DecoderForm {
  const { full } = cacheInputs(g);
  const index = g.caches.indexInputs(g);
  let chosen: GraphTensor | undefined;
  return {
    attention: (block, x) => {
      const il = block.index;
      const latent = latentQuery(g, block, x);
      if (g.caches.has(il, "index")) chosen = chosenCells(g, block, index, x, latent, { rotates: true });
      const queried = absorbedHeads(g, block, x, mulMat(block.need("attn_q_b"), latent));
      const options = { valueUp: block.need("attn_v_b") };
      return attendLatent(g, chosenOf(full, picked(chosen)), il, queried, block.projection("attn_output"), options);
    },
    mixture: { ...routingInFile(g, "sigmoid"), scales: "all" },
    head: { unscaled: true, nextHidden: "put out" },
  };
}

/** The same in some layers, a window in the others, and a gate for each head (`src/models/dots3note.cpp`). */
function dots3note(g: GraphContext): DecoderForm {
  const { full, windowed } = cacheInputs(g);
  const index = g.caches.indexInputs(g);
  return {
    attention: (block, x) => {
      const il = block.index;
      const latent = latentQuery(g, block, x);
      const queried = absorbedHeads(g, block, x, mulMat(block.need("attn_q_b"), latent), { keyNorm: true });
      const pool = g.hp.isWindowed(il)
        ? windowed
        : chosenOf(full, chosenCells(g, block, index, x, latent, { rotates: true }));
      const attended = attendLatent(g, pool, il, queried, undefined, { valueUp: block.need("attn_v_b") });
      const gate = unary(mulMat(block.need("attn_gate"), x));
      return project(block.projection("attn_output"), gatedHeads(attended, gate, g.hp.heads(il)));
    },
    mixture: { ...routingInFile(g, "sigmoid"), scales: "all" },
    head: { unscaled: true },
  };
}

/**
 * Several streams of the residual, a gate on the attention, and an indexer where the file has one
 * (`src/models/hy-v4.cpp`).
 */
const hunyuan4: GraphBuilder = (g) => {
  const { full } = cacheInputs(g);
  const index = g.caches.indexInputs(g);
  const isSparse = g.hp.number("attention.indexer.top_k", 0) > 0;
  let chosen: GraphTensor | undefined;
  const streams = layers(g, streamsOf(tokenEmbeddings(g), streamCount(g)), (streams, block) => {
    const il = block.index;
    const before = mixIndependent(g, block, "attn", streams);
    const y = normOf(g, block, "attn_norm", before.x);
    const latent = latentQuery(g, block, y);
    if (g.caches.has(il, "index")) chosen = chosenCells(g, block, index, y, latent, { rotates: false });
    const queried = absorbedHeads(g, block, y, mulMat(block.need("attn_q_b"), latent));
    const options = { sinks: block.weight("attn_sinks"), valueUp: block.need("attn_v_b") };
    const pool = isSparse ? chosenOf(full, picked(chosen)) : full;
    const attended = attendLatent(g, pool, il, queried, undefined, options);
    const gated = mul(attended, unary(mulMat(block.need("attn_gate"), y)));
    const z = spreadIndependent(mulMat(block.need("attn_output"), gated), streams, before);
    const between = mixIndependent(g, block, "ffn", z);
    const inner = normOf(g, block, "ffn_norm", between.x);
    return spreadIndependent(feedForwardOrExperts(g, block, inner, routingInFile(g, "softmax")), z, between);
  });
  return head(g, mixHead(g, putOutStreams(g, streams), true), { unscaled: true });
};

function picked(chosen: GraphTensor | undefined): GraphTensor {
  if (chosen === undefined) throw new CannotDraw("no layer before has an indexer");
  return chosen;
}

export const SPARSE_LATENT: Readonly<Record<string, GraphBuilder>> = {
  ...decoders({ deepseek32, "glm-dsa": deepseek32, dots3note }),
  hy_v4: hunyuan4,
};
