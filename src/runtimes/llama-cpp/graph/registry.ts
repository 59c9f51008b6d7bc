import { BAILING_3 } from "./architectures/bailing3.ts";
import { DEEPSEEK } from "./architectures/deepseek.ts";
import { KIMI } from "./architectures/kimi.ts";
import { LLAMA } from "./architectures/llama.ts";
import { MINIMAX_01 } from "./architectures/minimax-01.ts";
import { QWEN_NEXT } from "./architectures/qwen-next.ts";
import { QWEN_4 } from "./architectures/qwen4exp.ts";
import { SPARSE_LATENT } from "./architectures/sparse-latent.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({
    ...LLAMA,
    ...DEEPSEEK,
    ...SPARSE_LATENT,
    ...QWEN_NEXT,
    ...QWEN_4,
    ...KIMI,
    ...BAILING_3,
    ...MINIMAX_01,
  }),
);
