import { decoders } from "../blocks/decoder.ts";
import type { GraphBuilder } from "../context.ts";

/** OLMo, each `src/models/<its name>.cpp`; the second and its experts norm all heads of a token at once. */
export const OLMO: Readonly<Record<string, GraphBuilder>> = decoders({
  olmo: { norm: "layer", unweightedNorms: true },
  olmo2: { normsHeads: "uncut" },
  olmoe: { normsHeads: "uncut", mixture: { normalized: false } },
});
