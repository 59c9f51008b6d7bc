import { BAILING_3 } from "./architectures/bailing3.ts";
import { BERT } from "./architectures/bert.ts";
import { DECI } from "./architectures/deci.ts";
import { DEEPSEEK } from "./architectures/deepseek.ts";
import { DEEPSEEK4 } from "./architectures/deepseek4.ts";
import { DIFFUSION } from "./architectures/diffusion.ts";
import { DRAFTS } from "./architectures/drafts.ts";
import { GEMMA } from "./architectures/gemma.ts";
import { GEMMA_SHARED } from "./architectures/gemma-shared.ts";
import { GRANITE } from "./architectures/granite.ts";
import { GROK } from "./architectures/grok.ts";
import { KIMI } from "./architectures/kimi.ts";
import { LEARNED_POSITIONS } from "./architectures/learned-positions.ts";
import { LFM2 } from "./architectures/lfm2.ts";
import { LLAMA } from "./architectures/llama.ts";
import { LLAMA4 } from "./architectures/llama4.ts";
import { LOOPED } from "./architectures/looped.ts";
import { MAMBA } from "./architectures/mamba.ts";
import { MAMBA_HYBRIDS } from "./architectures/mamba-hybrids.ts";
import { MINIMAX_01 } from "./architectures/minimax-01.ts";
import { MINIMAX_M3 } from "./architectures/minimax-m3.ts";
import { MIXTURES } from "./architectures/mixtures.ts";
import { MORE_DECODERS } from "./architectures/more-decoders.ts";
import { OTHER_ENCODERS } from "./architectures/other-encoders.ts";
import { PARALLEL_DECODERS } from "./architectures/parallel-decoders.ts";
import { PLAIN_DECODERS } from "./architectures/plain-decoders.ts";
import { QWEN_NEXT } from "./architectures/qwen-next.ts";
import { QWEN_4 } from "./architectures/qwen4exp.ts";
import { RWKV } from "./architectures/rwkv.ts";
import { SPARSE_LATENT } from "./architectures/sparse-latent.ts";
import { T5 } from "./architectures/t5.ts";
import { VISION_DECODERS } from "./architectures/vision-decoders.ts";
import { WAVTOKENIZER } from "./architectures/wavtokenizer.ts";
import { WINDOWED_DECODERS } from "./architectures/windowed-decoders.ts";
import { WINDOWED_MIXTURES } from "./architectures/windowed-mixtures.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({
    ...BAILING_3,
    ...BERT,
    ...DECI,
    ...DEEPSEEK,
    ...DEEPSEEK4,
    ...DIFFUSION,
    ...DRAFTS,
    ...GEMMA_SHARED,
    ...GEMMA,
    ...GRANITE,
    ...GROK,
    ...KIMI,
    ...LEARNED_POSITIONS,
    ...LFM2,
    ...LLAMA,
    ...LLAMA4,
    ...LOOPED,
    ...MAMBA_HYBRIDS,
    ...MAMBA,
    ...MINIMAX_01,
    ...MINIMAX_M3,
    ...MIXTURES,
    ...MORE_DECODERS,
    ...OTHER_ENCODERS,
    ...PARALLEL_DECODERS,
    ...PLAIN_DECODERS,
    ...QWEN_NEXT,
    ...QWEN_4,
    ...RWKV,
    ...SPARSE_LATENT,
    ...T5,
    ...VISION_DECODERS,
    ...WAVTOKENIZER,
    ...WINDOWED_DECODERS,
    ...WINDOWED_MIXTURES,
  }),
);
