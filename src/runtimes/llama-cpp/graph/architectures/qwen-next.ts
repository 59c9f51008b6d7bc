import { attendCache, cacheInputs } from "../blocks/attention.ts";
import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { type GatedDeltaOptions, gatedDeltaNetLayer } from "../blocks/delta-net.ts";
import { type GatedAttentionOptions, gatedOutput, gatedQueryKeyValue } from "../blocks/gated-attention.ts";
import { GATED_SHARE } from "../blocks/mixture.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";

/** Gated delta nets, and every few layers gated attention. */
function form(delta: GatedDeltaOptions, attention: GatedAttentionOptions): (g: GraphContext) => DecoderForm {
  return (g) => {
    const inputs = cacheInputs(g);
    const states = stateRows(g);
    return {
      attention: (block, x) => {
        g.expand(x);
        if (g.hp.isRecurrent(block.index)) return gatedDeltaNetLayer(g, states, block, x, delta);
        const { gate, ...queried } = gatedQueryKeyValue(g, block, x, attention);
        return gatedOutput(block, attendCache(g, inputs, block.index, queried, undefined), gate);
      },
      secondNorm: "post_attention_norm",
      dropsTokens: "never",
      mixture: GATED_SHARE,
      head: { nextHidden: "after norm" },
    };
  };
}

/** Qwen3-Next and Qwen 3.5 (`src/models/qwen3next.cpp`, `qwen35.cpp`, `qwen35moe.cpp`). */
export const QWEN_NEXT: Readonly<Record<string, GraphBuilder>> = decoders({
  qwen3next: form({ isJoint: true }, { positions: 1, inFour: true }),
  qwen35: form({}, { positions: 4 }),
  qwen35moe: form({}, { positions: 4 }),
});
