import { decoders } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { modelNorm } from "../blocks/norm.ts";
import type { GraphBuilder } from "../context.ts";

/** Encoders that norm before their parts, with rotary positions, each `src/models/<its name>.cpp`. */
export const MODERN_BERT: Readonly<Record<string, GraphBuilder>> = decoders({
  eurobert: { looksBothWays: true, head: { withoutLogits: "always" } },
  // Which activation (`hidden_activation`) changes no shape. The first layer reads the normed embedding as it is.
  "modern-bert": {
    looksBothWays: true,
    norm: "layer",
    activation: "halves",
    embeddings: (g) => modelNorm(g, "token_embd_norm", tokenEmbeddings(g), "layer", 0),
    head: { withoutLogits: "always" },
  },
  "neo-bert": {
    looksBothWays: true,
    activation: "halves",
    head: { withoutLogits: "always", lastNorm: "enc.output_norm" },
  },
});
