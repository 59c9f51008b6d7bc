import { decoders } from "../blocks/decoder.ts";
import { routingInFile } from "../blocks/experts.ts";
import { positionsBySections } from "../blocks/self-attention.ts";
import type { GraphBuilder } from "../context.ts";

/** Hunyuan until 3: `src/models/hunyuan-dense.cpp`, `hunyuan-vl.cpp`, `hunyuan-moe.cpp`, `hy-v3.cpp`. */
export const HUNYUAN: Readonly<Record<string, GraphBuilder>> = decoders({
  "hunyuan-dense": { normsRotated: true },
  hunyuan_vl: (g) => ({ normsRotated: true, positionsPerToken: positionsBySections(g) }),
  "hunyuan-moe": { normsRotated: true },
  hy_v3: (g) => ({
    dropsTokens: "never",
    mixture: { ...routingInFile(g, "sigmoid"), scales: "all" },
    head: { nextHidden: "after norm" },
  }),
});
