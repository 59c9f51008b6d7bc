import { cacheInputs } from "../blocks/attention.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { type DecoderForm, feedForwardOrExperts, normOf, selfAttention } from "../blocks/plain-decoder.ts";
import { projectUnscaled } from "../blocks/projection.ts";
import type { GraphBuilder } from "../context.ts";
import { add } from "../ops/elementwise.ts";

const FORM: DecoderForm = {};

/** DeciLM, Nemotron 51B (`src/models/deci.cpp`): layers without attention, with a product in its place, without feed-forward. */
const deci: GraphBuilder = (g) => {
  const { hp } = g;
  const inputs = cacheInputs(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const hasAttention = hp.heads(il) > 0;
    let y = x;
    if (hasAttention) {
      const normed = normOf(g, FORM, block, x, "attn_norm");
      const product = { ...block.projection("attn_output"), bias: undefined };
      y = hp.kvHeads(il) === 0 ? projectUnscaled(product, normed) : selfAttention(g, FORM, inputs, block, normed);
    }
    y = putOut(g, block, y);
    // The engine goes on with what came before such a layer (`continue`).
    if (hp.intermediateSize(il) === 0) return x;
    if (hasAttention) y = add(y, putOut(g, block, x));
    return add(feedForwardOrExperts(g, FORM, block, normOf(g, FORM, block, y, "ffn_norm")), y);
  });
  return head(g, x);
};

export const DECI: Readonly<Record<string, GraphBuilder>> = { deci };
