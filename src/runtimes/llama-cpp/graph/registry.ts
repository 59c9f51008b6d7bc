import { BERT } from "./architectures/bert.ts";
import { DIFFUSION } from "./architectures/diffusion.ts";
import { DRAFTS } from "./architectures/drafts.ts";
import { LLAMA } from "./architectures/llama.ts";
import { OTHER_ENCODERS } from "./architectures/other-encoders.ts";
import { T5 } from "./architectures/t5.ts";
import { WAVTOKENIZER } from "./architectures/wavtokenizer.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({ ...LLAMA, ...BERT, ...OTHER_ENCODERS, ...DIFFUSION, ...T5, ...WAVTOKENIZER, ...DRAFTS }),
);
