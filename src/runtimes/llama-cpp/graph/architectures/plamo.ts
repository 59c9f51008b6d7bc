import { decoders } from "../blocks/decoder.ts";
import type { GraphBuilder } from "../context.ts";
import { add } from "../ops/elementwise.ts";

/** PLaMo without scans, each `src/models/<its name>.cpp`. */
export const PLAMO: Readonly<Record<string, GraphBuilder>> = decoders({
  plamo: { beside: (x, attended, fed) => add(add(fed, attended), x) },
  plamo3: { reads: "matrices", activation: "halves", keptAfter: "both" },
});
