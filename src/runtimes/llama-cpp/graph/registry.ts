import { BAILING } from "./architectures/bailing.ts";
import { BERT } from "./architectures/bert.ts";
import { CHAMELEON } from "./architectures/chameleon.ts";
import { COHERE } from "./architectures/cohere.ts";
import { DECI } from "./architectures/deci.ts";
import { DEEPSEEK } from "./architectures/deepseek.ts";
import { DEEPSEEK4 } from "./architectures/deepseek4.ts";
import { DENSE_DECODERS } from "./architectures/dense-decoders.ts";
import { DIFFUSION } from "./architectures/diffusion.ts";
import { DRAFTS } from "./architectures/drafts.ts";
import { ERNIE } from "./architectures/ernie.ts";
import { EXAONE } from "./architectures/exaone.ts";
import { GEMMA } from "./architectures/gemma.ts";
import { GEMMA_4 } from "./architectures/gemma4.ts";
import { GLM } from "./architectures/glm.ts";
import { GPT } from "./architectures/gpt.ts";
import { GRANITE } from "./architectures/granite.ts";
import { GROK } from "./architectures/grok.ts";
import { HUNYUAN } from "./architectures/hunyuan.ts";
import { KIMI } from "./architectures/kimi.ts";
import { LFM2 } from "./architectures/lfm2.ts";
import { LLAMA } from "./architectures/llama.ts";
import { LLAMA4 } from "./architectures/llama4.ts";
import { LOOPED } from "./architectures/looped.ts";
import { MAMBA } from "./architectures/mamba.ts";
import { MAMBA_HYBRIDS } from "./architectures/mamba-hybrids.ts";
import { MINIMAX } from "./architectures/minimax.ts";
import { MIXTURES } from "./architectures/mixtures.ts";
import { MODERN_BERT } from "./architectures/modern-bert.ts";
import { OLMO } from "./architectures/olmo.ts";
import { PHI } from "./architectures/phi.ts";
import { PLAMO } from "./architectures/plamo.ts";
import { QWEN } from "./architectures/qwen.ts";
import { QWEN_NEXT } from "./architectures/qwen-next.ts";
import { QWEN_4 } from "./architectures/qwen4exp.ts";
import { RWKV } from "./architectures/rwkv.ts";
import { SPARSE_LATENT } from "./architectures/sparse-latent.ts";
import { T5 } from "./architectures/t5.ts";
import { WAVTOKENIZER } from "./architectures/wavtokenizer.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({
    ...BAILING,
    ...BERT,
    ...CHAMELEON,
    ...COHERE,
    ...DECI,
    ...DEEPSEEK,
    ...DEEPSEEK4,
    ...DENSE_DECODERS,
    ...DIFFUSION,
    ...DRAFTS,
    ...ERNIE,
    ...EXAONE,
    ...GEMMA,
    ...GEMMA_4,
    ...GLM,
    ...GPT,
    ...GRANITE,
    ...GROK,
    ...HUNYUAN,
    ...KIMI,
    ...LFM2,
    ...LLAMA,
    ...LLAMA4,
    ...LOOPED,
    ...MAMBA,
    ...MAMBA_HYBRIDS,
    ...MINIMAX,
    ...MIXTURES,
    ...MODERN_BERT,
    ...OLMO,
    ...PHI,
    ...PLAMO,
    ...QWEN,
    ...QWEN_NEXT,
    ...QWEN_4,
    ...RWKV,
    ...SPARSE_LATENT,
    ...T5,
    ...WAVTOKENIZER,
  }),
);
