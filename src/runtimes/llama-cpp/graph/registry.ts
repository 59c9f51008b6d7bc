import { LEARNED_POSITIONS } from "./architectures/learned-positions.ts";
import { LLAMA } from "./architectures/llama.ts";
import { MORE_DECODERS } from "./architectures/more-decoders.ts";
import { VISION_DECODERS } from "./architectures/vision-decoders.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({ ...LLAMA, ...LEARNED_POSITIONS, ...MORE_DECODERS, ...VISION_DECODERS }),
);
