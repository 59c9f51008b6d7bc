import { decoders } from "../blocks/decoder.ts";
import type { GraphBuilder } from "../context.ts";
import { add } from "../ops/elementwise.ts";

/** Phi, each `src/models/<its name>.cpp`; Phi 3.5 with experts has the graph of Phi 3. */
export const PHI: Readonly<Record<string, GraphBuilder>> = decoders({
  phi2: {
    norm: "layer",
    activation: "gelu",
    scalesQueries: true,
    beside: (x, attended, fed) => add(add(attended, fed), x),
  },
  phi3: { activation: "halves", scalesQueries: true, residualFirst: "feed-forward" },
  phimoe: { scalesQueries: true, residualFirst: "feed-forward" },
});
