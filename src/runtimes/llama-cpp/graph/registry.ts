import { LFM2 } from "./architectures/lfm2.ts";
import { LLAMA } from "./architectures/llama.ts";
import { MAMBA } from "./architectures/mamba.ts";
import { MAMBA_HYBRIDS } from "./architectures/mamba-hybrids.ts";
import { RWKV } from "./architectures/rwkv.ts";
import type { GraphBuilder } from "./context.ts";

/** Who draws the graph of an architecture, by its name in the file. */
export const GRAPH_BUILDERS: ReadonlyMap<string, GraphBuilder> = new Map(
  Object.entries({ ...LLAMA, ...MAMBA, ...MAMBA_HYBRIDS, ...LFM2, ...RWKV }),
);
