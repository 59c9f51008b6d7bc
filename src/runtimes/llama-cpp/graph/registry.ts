import { DECI } from "./architectures/deci.ts";
import { LLAMA } from "./architectures/llama.ts";
import { PARALLEL_DECODERS } from "./architectures/parallel-decoders.ts";
import { PLAIN_DECODERS } from "./architectures/plain-decoders.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({
    ...DECI,
    ...LLAMA,
    ...PARALLEL_DECODERS,
    ...PLAIN_DECODERS,
  }),
);
