import { decoders } from "../blocks/decoder.ts";
import { routingInFile } from "../blocks/experts.ts";
import { positionsBySections } from "../blocks/self-attention.ts";
import type { GraphBuilder } from "../context.ts";

/** GLM until 4.5: `src/models/chatglm.cpp`, `glm4.cpp`, `glm4-moe.cpp`. */
export const GLM: Readonly<Record<string, GraphBuilder>> = decoders({
  chatglm: { activation: "halves" },
  glm4: (g) => ({ activation: "halves", positionsPerToken: positionsBySections(g), keptAfter: "both" }),
  glm4moe: (g) => ({
    positionsPerToken: positionsBySections(g),
    secondNorm: "post_attention_norm",
    mixture: routingInFile(g, "sigmoid"),
    head: { nextHidden: "put out" },
  }),
});
