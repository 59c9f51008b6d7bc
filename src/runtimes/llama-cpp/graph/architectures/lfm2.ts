import { type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { gatingOf } from "../blocks/experts.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { feedForwardOrExperts } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import { cacheAttender, selfAttention } from "../blocks/self-attention.ts";
import { shortConvolution } from "../blocks/short-convolution.ts";
import type { GraphBuilder } from "../context.ts";
import { add } from "../ops/elementwise.ts";

/** Short convolutions, some layers of attention between them (`src/models/lfm2.cpp`, which `lfm2moe.cpp` shares). */
const lfm2: GraphBuilder = (g) => {
  const attend = cacheAttender(g, unrotatedWindows(cacheInputs(g)));
  const rows = stateRows(g);
  const gating = gatingOf(g, "sigmoid");
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const normed = norm(g, x, block.weight("attn_norm"), "rms", block.index);
    const mixed = g.hp.isRecurrent(block.index)
      ? shortConvolution(g, rows, block, normed)
      : selfAttention(g, block, normed, attend);
    const y = add(putOut(g, block, x), putOut(g, block, mixed));
    const inner = norm(g, y, block.weight("ffn_norm"), "rms", block.index);
    return add(y, feedForwardOrExperts(g, block, inner, { gating }));
  });
  return head(g, x, { lastNorm: "token_embd_norm", withoutLogits: "for embeddings" });
};

/** Hybrids do not rotate the quantized rows of caches that see a window (`build_inp_mem_hybrid_iswa`). */
function unrotatedWindows({ full, windowed }: CacheInputs): CacheInputs {
  return { full, windowed: { ...windowed, keyRotation: undefined, valueRotation: undefined } };
}

export const LFM2: Readonly<Record<string, GraphBuilder>> = {
  lfm2,
  lfm2moe: lfm2,
};
