import { attendLatent, cacheInputs } from "../blocks/attention.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { routingInFile } from "../blocks/experts.ts";
import { head } from "../blocks/head.ts";
import { gatedHeads } from "../blocks/heads.ts";
import { mixHead, mixIndependent, putOutStreams, spreadIndependent, streamsOf } from "../blocks/hyper-connections.ts";
import { attendChosen, chosenCells } from "../blocks/indexer.ts";
import { absorbedHeads, latentQuery } from "../blocks/latent.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { feedForwardOrExperts } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { project } from "../blocks/projection.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/**
 * Latent attention to the cells that an indexer picks (`src/models/deepseek32.cpp`). Layers without an indexer attend to
 * those that the last one before them picked (GLM 5.2, `src/models/glm-dsa.cpp`).
 */
const deepseek32: GraphBuilder = (g) => {
  const { full } = cacheInputs(g);
  const index = g.caches.indexInputs(g);
  let chosen: GraphTensor | undefined;
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const y = norm(g, x, block.weight("attn_norm"), "rms", il);
    const latent = latentQuery(g, block, y);
    if (g.caches.has(il, "index")) chosen = chosenCells(g, block, index, y, latent, { rotates: true });
    const queried = absorbedHeads(g, block, y, mulMat(block.need("attn_q_b"), latent));
    const output = block.projection("attn_output");
    const attended = attendChosen(g, full, il, queried, picked(chosen), output, { valueUp: block.need("attn_v_b") });
    return withMixture(g, block, putOut(g, block, attended), putOut(g, block, x));
  });
  return head(g, x, { unscaled: true, nextHidden: "put out" });
};

/** The same in some layers, a window in the others, and a gate for each head (`src/models/dots3note.cpp`). */
const dots3note: GraphBuilder = (g) => {
  const { full, windowed } = cacheInputs(g);
  const index = g.caches.indexInputs(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const y = norm(g, x, block.weight("attn_norm"), "rms", il);
    const latent = latentQuery(g, block, y);
    const queried = absorbedHeads(g, block, y, mulMat(block.need("attn_q_b"), latent), { keyNorm: true });
    const options = { valueUp: block.need("attn_v_b") };
    const attended = g.hp.isWindowed(il)
      ? attendLatent(g, windowed, il, queried, undefined, options)
      : attendChosen(
          g,
          full,
          il,
          queried,
          chosenCells(g, block, index, y, latent, { rotates: true }),
          undefined,
          options,
        );
    const gate = unary(mulMat(block.need("attn_gate"), y));
    const output = block.projection("attn_output");
    const gated = project(output, gatedHeads(attended, gate, g.hp.heads(il)));
    return withMixture(g, block, putOut(g, block, gated), putOut(g, block, x));
  });
  return head(g, x, { unscaled: true });
};

/**
 * Several streams of the residual, a gate on the attention, and an indexer where the file has one
 * (`src/models/hy-v4.cpp`).
 */
const hunyuan4: GraphBuilder = (g) => {
  const { full } = cacheInputs(g);
  const index = g.caches.indexInputs(g);
  const isSparse = g.hp.number("attention.indexer.top_k", 0) > 0;
  let chosen: GraphTensor | undefined;
  const streams = layers(g, streamsOf(g, tokenEmbeddings(g)), (streams, block) => {
    const il = block.index;
    const before = mixIndependent(g, block, "attn", streams);
    const y = norm(g, before.x, block.weight("attn_norm"), "rms", il);
    const latent = latentQuery(g, block, y);
    if (g.caches.has(il, "index")) chosen = chosenCells(g, block, index, y, latent, { rotates: false });
    const queried = absorbedHeads(g, block, y, mulMat(block.need("attn_q_b"), latent));
    const options = { sinks: block.weight("attn_sinks"), valueUp: block.need("attn_v_b") };
    const attended = isSparse
      ? attendChosen(g, full, il, queried, picked(chosen), undefined, options)
      : attendLatent(g, full, il, queried, undefined, options);
    const gated = mul(attended, unary(mulMat(block.need("attn_gate"), y)));
    const z = spreadIndependent(mulMat(block.need("attn_output"), gated), streams, before);
    const between = mixIndependent(g, block, "ffn", z);
    const inner = norm(g, between.x, block.weight("ffn_norm"), "rms", il);
    return spreadIndependent(feedForwardOrExperts(g, block, inner, routingInFile(g, "softmax")), z, between);
  });
  return head(g, mixHead(g, putOutStreams(g, streams), true), { unscaled: true });
};

function withMixture(g: GraphContext, block: BlockWeights, attended: GraphTensor, x: GraphTensor): GraphTensor {
  const y = add(attended, x);
  const routing = { ...routingInFile(g, "sigmoid"), scales: "all" } as const;
  return add(feedForwardOrExperts(g, block, norm(g, y, block.weight("ffn_norm"), "rms", block.index), routing), y);
}

function picked(chosen: GraphTensor | undefined): GraphTensor {
  if (chosen === undefined) throw new Error("no layer before has an indexer");
  return chosen;
}

export const SPARSE_LATENT: Readonly<Record<string, GraphBuilder>> = {
  deepseek32,
  "glm-dsa": deepseek32,
  dots3note,
  hy_v4: hunyuan4,
};
