import { DEEPSEEK } from "./architectures/deepseek.ts";
import { DEEPSEEK4 } from "./architectures/deepseek4.ts";
import { LLAMA } from "./architectures/llama.ts";
import { MINIMAX_M3 } from "./architectures/minimax-m3.ts";
import { SPARSE_LATENT } from "./architectures/sparse-latent.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({ ...LLAMA, ...DEEPSEEK, ...DEEPSEEK4, ...MINIMAX_M3, ...SPARSE_LATENT }),
);
