import { cacheInputs } from "../blocks/attention.ts";
import { attendBlocks, blockInputs } from "../blocks/chosen-blocks.ts";
import { decoders } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts, gatingOf, routingInFile } from "../blocks/experts.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { lightningInputs, lightningLayer } from "../blocks/lightning.ts";
import { feedForwardOrExperts } from "../blocks/mixture.ts";
import { normOf } from "../blocks/norm.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import { residualLayer } from "../blocks/residual.ts";
import { cacheAttender, positionedHeads, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder } from "../context.ts";
import { add, scale } from "../ops/elementwise.ts";

/** MiniMax-Text-01: lightning attention, and every few layers softmax attention (`src/models/minimax-01.cpp`). */
const minimax01: GraphBuilder = (g) => {
  const embedded = tokenEmbeddings(g);
  const attend = cacheAttender(g);
  const rows = stateRows(g);
  const decays = lightningInputs(g);
  const weightScale = g.hp.number("expert_weights_scale", 0);
  const x = layers(g, embedded, (x, block) => {
    const normed = normOf(g, block, "attn_norm", x);
    const y = g.hp.isRecurrent(block.index)
      ? lightningLayer(g, rows, decays, block, normed)
      : selfAttention(g, block, normed, attend);
    // What is added is the normed input, not the input.
    const z = add(putOut(g, block, y), scale(putOut(g, block, normed)));
    const inner = normOf(g, block, "ffn_norm", z);
    return add(experts(g, block, inner, { weightScale }), scale(inner));
  });
  return head(g, x);
};

/** MiniMax M3: after the dense layers attention to the blocks that an indexer picks (`src/models/minimax-m3.cpp`). */
const minimaxM3: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const attend = cacheAttender(g, inputs);
  const chosen = blockInputs(g, inputs.full);
  const firstSparse = g.hp.number("leading_dense_block_count", 0);
  const mixture = { ...routingInFile(g, "softmax"), activation: "swiglu-oai" } as const;
  const x = layers(g, tokenEmbeddings(g), (x, block) =>
    residualLayer(g, block, x, {
      attention: (y) => {
        if (chosen === undefined || block.index < firstSparse) return selfAttention(g, block, y, attend);
        const queried = positionedHeads(g, block, y);
        return attendBlocks(g, block, inputs.full, chosen, y, queried, block.projection("attn_output"));
      },
      feedForward: (y) => feedForwardOrExperts(g, block, y, mixture),
    }),
  );
  return head(g, x);
};

/** Of the second all heads of a token are normed at once (`src/models/minimax-m2.cpp`). */
export const MINIMAX: Readonly<Record<string, GraphBuilder>> = {
  "minimax-01": minimax01,
  ...decoders({ "minimax-m2": (g) => ({ normsHeads: "uncut", mixture: { gating: gatingOf(g, "softmax") } }) }),
  "minimax-m3": minimaxM3,
};
