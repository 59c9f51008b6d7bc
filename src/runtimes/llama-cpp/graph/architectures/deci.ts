import { tokenEmbeddings } from "../blocks/embedding.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { feedForwardOrExperts } from "../blocks/mixture.ts";
import { normOf } from "../blocks/norm.ts";
import { projectUnscaled, unbiased } from "../blocks/projection.ts";
import { cacheAttender, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder } from "../context.ts";
import { add } from "../ops/elementwise.ts";

/** DeciLM, Nemotron 51B (`src/models/deci.cpp`): layers without attention, with a product in its place, without feed-forward. */
const deci: GraphBuilder = (g) => {
  const { hp } = g;
  const attend = cacheAttender(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const hasAttention = hp.heads(il) > 0;
    let y = x;
    if (hasAttention) {
      const normed = normOf(g, block, "attn_norm", x);
      y =
        hp.kvHeads(il) === 0
          ? projectUnscaled(unbiased(block.projection("attn_output")), normed)
          : selfAttention(g, block, normed, attend);
    }
    y = putOut(g, block, y);
    // The engine goes on with what came before such a layer (`continue`).
    if (hp.intermediateSize(il) === 0) return x;
    if (hasAttention) y = add(y, putOut(g, block, x));
    return add(feedForwardOrExperts(g, block, normOf(g, block, "ffn_norm", y)), y);
  });
  return head(g, x);
};

export const DECI: Readonly<Record<string, GraphBuilder>> = { deci };
