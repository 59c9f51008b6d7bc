import { attendCache, cacheInputs } from "../blocks/attention.ts";
import { type GatedDeltaOptions, gatedDeltaNetLayer } from "../blocks/delta-net.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { type GatedAttentionOptions, gatedOutput, gatedQueryKeyValue } from "../blocks/gated-attention.ts";
import { head } from "../blocks/head.ts";
import { layers } from "../blocks/layers.ts";
import { feedForwardOrExperts, gatedShare } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import type { GraphBuilder } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";

/** Gated delta nets, and every few layers gated attention. */
function decoder(delta: GatedDeltaOptions, attention: GatedAttentionOptions): GraphBuilder {
  return (g) => {
    const embedded = tokenEmbeddings(g);
    const inputs = cacheInputs(g);
    const states = stateRows(g);
    const x = layers(g, embedded, (x, block) => {
      const il = block.index;
      const normed = g.expand(norm(g, x, block.weight("attn_norm"), "rms", il));
      const attend = (): GraphTensor => {
        const { gate, ...queried } = gatedQueryKeyValue(g, block, normed, attention);
        return gatedOutput(block, attendCache(g, inputs, il, queried, undefined), gate);
      };
      const y = add(g.hp.isRecurrent(il) ? gatedDeltaNetLayer(g, states, block, normed, delta) : attend(), x);
      const z = norm(g, y, block.weight("post_attention_norm"), "rms", il);
      return add(feedForwardOrExperts(g, block, z, gatedShare(g)), y);
    });
    return head(g, x, { nextHidden: "after norm" });
  };
}

/** Qwen3-Next and Qwen 3.5 (`src/models/qwen3next.cpp`, `qwen35.cpp`, `qwen35moe.cpp`). */
export const QWEN_NEXT: Readonly<Record<string, GraphBuilder>> = {
  qwen3next: decoder({ isJoint: true }, { positions: 1, inFour: true }),
  qwen35: decoder({}, { positions: 4 }),
  qwen35moe: decoder({}, { positions: 4 }),
};
