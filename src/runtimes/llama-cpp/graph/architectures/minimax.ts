import { cacheInputs } from "../blocks/attention.ts";
import { attendBlocks, msaInputs } from "../blocks/block-attention.ts";
import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts, gatingOf, routingInFile } from "../blocks/experts.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { lightningInputs, lightningLayer } from "../blocks/lightning.ts";
import { normOf } from "../blocks/norm.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import { cacheAttender, positionedHeads, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, scale } from "../ops/elementwise.ts";

/** MiniMax-Text-01: lightning attention, and every few layers softmax attention (`src/models/minimax-01.cpp`). */
const minimax01: GraphBuilder = (g) => {
  const embedded = tokenEmbeddings(g);
  const attend = cacheAttender(g);
  const rows = stateRows(g);
  const decays = lightningInputs(g);
  const x = layers(g, embedded, (x, block) => {
    const normed = normOf(g, block, "attn_norm", x);
    const y = g.hp.isRecurrent(block.index)
      ? lightningLayer(g, rows, decays, block, normed)
      : selfAttention(g, block, normed, attend);
    // What is added is the normed input, not the input.
    const z = add(putOut(g, block, y), scale(putOut(g, block, normed)));
    const inner = normOf(g, block, "ffn_norm", z);
    return add(experts(g, block, inner), scale(inner));
  });
  return head(g, x);
};

/** MiniMax M3: after the dense layers attention to the blocks that an indexer picks (`src/models/minimax-m3.cpp`). */
function minimaxM3(g: GraphContext): DecoderForm {
  const inputs = cacheInputs(g);
  const attend = cacheAttender(g, inputs);
  const chosen = msaInputs(g, inputs.full);
  const firstSparse = g.hp.number("leading_dense_block_count", 0);
  return {
    attention: (block, x) => {
      if (chosen === undefined || block.index < firstSparse) return selfAttention(g, block, x, attend);
      const queried = positionedHeads(g, block, x);
      return attendBlocks(g, block, inputs.full, chosen, x, queried, block.projection("attn_output"));
    },
    activation: "swiglu-oai",
    mixture: routingInFile(g, "softmax"),
  };
}

/** Of the second all heads of a token are normed at once (`src/models/minimax-m2.cpp`). */
export const MINIMAX: Readonly<Record<string, GraphBuilder>> = {
  "minimax-01": minimax01,
  ...decoders({
    "minimax-m2": (g) => ({ normsHeads: "uncut", mixture: { gating: gatingOf(g, "softmax") } }),
    "minimax-m3": minimaxM3,
  }),
};
