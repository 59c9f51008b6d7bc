import { decoders } from "../blocks/decoder.ts";
import { routingInFile } from "../blocks/experts.ts";
import type { GraphBuilder } from "../context.ts";

/** EXAONE, each `src/models/<its name>.cpp`; where layers see windows, those alone are rotated. */
export const EXAONE: Readonly<Record<string, GraphBuilder>> = decoders({
  exaone: {},
  exaone4: ({ hp }) => ({ rotates: (layer) => !hp.hasWindows() || hp.isWindowed(layer) }),
  "exaone-moe": (g) => ({ rotates: (layer) => g.hp.isWindowed(layer), mixture: routingInFile(g, "sigmoid") }),
});
