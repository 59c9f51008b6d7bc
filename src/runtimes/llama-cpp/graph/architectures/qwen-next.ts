import { attendCache, cacheInputs } from "../blocks/attention.ts";
import { layers } from "../blocks/decoder.ts";
import { type GatedDeltaOptions, gatedDeltaNetLayer } from "../blocks/delta-net.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { denseParts, feedForward } from "../blocks/feed-forward.ts";
import { type GatedAttentionOptions, gatedOutput, gatedQueryKeyValue } from "../blocks/gated-attention.ts";
import { norm } from "../blocks/norm.ts";
import { headOfAll } from "../blocks/predicting-head.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

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
      return add(feedForwardOrExperts(g, block, z), y);
    });
    return headOfAll(g, x);
  };
}

function feedForwardOrExperts(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  if (block.weight("ffn_gate_inp") === undefined) return feedForward(x, denseParts(block), "silu");
  return expertsWithGatedShare(g, block, x);
}

/** Experts, and one that all tokens are given to, by a gate of its own. */
export function expertsWithGatedShare(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const mixed = experts(g, block, x, {
    gating: "softmax",
    activation: "silu",
    normalized: true,
    unbiased: true,
  });
  if (block.weight("ffn_up_shexp") === undefined) return mixed;
  const shared = feedForward(x, denseParts(block, "_shexp"), "silu");
  const gate = unary(mulMat(block.need("ffn_gate_inp_shexp"), x));
  return add(mixed, mul(shared, gate));
}

/** Qwen3-Next and Qwen 3.5 (`src/models/qwen3next.cpp`, `qwen35.cpp`, `qwen35moe.cpp`). */
export const QWEN_NEXT: Readonly<Record<string, GraphBuilder>> = {
  qwen3next: decoder({ isJoint: true }, { positions: 1, inFour: true }),
  qwen35: decoder({}, { positions: 4 }),
  qwen35moe: decoder({}, { positions: 4 }),
};
