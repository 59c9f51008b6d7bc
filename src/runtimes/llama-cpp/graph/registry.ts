import { GEMMA } from "./architectures/gemma.ts";
import { GEMMA_SHARED } from "./architectures/gemma-shared.ts";
import { LLAMA } from "./architectures/llama.ts";
import { WINDOWED_DECODERS } from "./architectures/windowed-decoders.ts";
import { WINDOWED_MIXTURES } from "./architectures/windowed-mixtures.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({ ...LLAMA, ...GEMMA, ...GEMMA_SHARED, ...WINDOWED_DECODERS, ...WINDOWED_MIXTURES }),
);
