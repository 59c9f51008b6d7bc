import { GRANITE } from "./architectures/granite.ts";
import { GROK } from "./architectures/grok.ts";
import { LLAMA } from "./architectures/llama.ts";
import { LLAMA4 } from "./architectures/llama4.ts";
import { LOOPED } from "./architectures/looped.ts";
import { MIXTURES } from "./architectures/mixtures.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({ ...LLAMA, ...MIXTURES, ...GRANITE, ...GROK, ...LLAMA4, ...LOOPED }),
);
