import { DEEPSEEK } from "./architectures/deepseek.ts";
import { LLAMA } from "./architectures/llama.ts";
import { SPARSE_LATENT } from "./architectures/sparse-latent.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({ ...LLAMA, ...DEEPSEEK, ...SPARSE_LATENT }),
);
