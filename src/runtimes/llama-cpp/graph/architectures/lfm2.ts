import { type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { gatingOf } from "../blocks/experts.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import { cacheAttender, selfAttention } from "../blocks/self-attention.ts";
import { shortConvolution } from "../blocks/short-convolution.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";

/** Short convolutions, some layers of attention between them (`src/models/lfm2.cpp`, which `lfm2moe.cpp` shares). */
function lfm2(g: GraphContext): DecoderForm {
  const attend = cacheAttender(g, unrotatedWindows(cacheInputs(g)));
  const rows = stateRows(g);
  return {
    attention: (block, x) =>
      g.hp.isRecurrent(block.index) ? shortConvolution(g, rows, block, x) : selfAttention(g, block, x, attend),
    residualFirst: "both",
    mixture: { gating: gatingOf(g, "sigmoid") },
    head: { lastNorm: "token_embd_norm", withoutLogits: "for embeddings" },
  };
}

/** Hybrids do not rotate the quantized rows of caches that see a window (`build_inp_mem_hybrid_iswa`). */
function unrotatedWindows({ full, windowed }: CacheInputs): CacheInputs {
  return { full, windowed: { ...windowed, keyRotation: undefined, valueRotation: undefined } };
}

export const LFM2: Readonly<Record<string, GraphBuilder>> = decoders({ lfm2, lfm2moe: lfm2 });
