import { bidirectionalLayers } from "../blocks/bidirectional.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { type Activation, bareParts, feedForward } from "../blocks/feed-forward.ts";
import { type NormKind, norm } from "../blocks/norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { rotary } from "../blocks/rotary.ts";
import type { GraphBuilder } from "../context.ts";

/** How one of these encoders differs from the others. */
type Encoder = {
  readonly kind: NormKind;
  readonly lastNorm: string;
  readonly normsEmbedding?: boolean;
  readonly activation: Activation;
};

const ENCODERS: Readonly<Record<string, Encoder>> = {
  /** `src/models/neo-bert.cpp` */
  "neo-bert": { kind: "rms", lastNorm: "enc.output_norm.weight", activation: "halves" },
  /** `src/models/eurobert.cpp` */
  eurobert: { kind: "rms", lastNorm: "output_norm.weight", activation: "silu" },
  /** `src/models/modern-bert.cpp` */
  "modern-bert": {
    kind: "layer",
    lastNorm: "output_norm.weight",
    normsEmbedding: true,
    // Which one (`hidden_activation`) changes no shape.
    activation: "halves",
  },
};

/** Encoders that norm before, with rotary positions. */
function encoder({ kind, lastNorm, normsEmbedding = false, activation }: Encoder): GraphBuilder {
  return (g) => {
    const tokens = tokenEmbeddings(g);
    const first = normsEmbedding ? norm(g, tokens, g.weights.find("token_embd_norm.weight"), "layer", 0) : tokens;
    const x = bidirectionalLayers(g, first, {
      kind,
      heads: (block, x) => rotary()(g, block, queryKeyValue(g, block, x)),
      output: (block) => ({ ...block.projection("attn_output"), bias: undefined }),
      mixed: (block, x) => feedForward(x, bareParts(block), activation),
    });
    return { embedding: g.expand(norm(g, x, g.weights.find(lastNorm), kind, -1)) };
  };
}

export const OTHER_ENCODERS: Readonly<Record<string, GraphBuilder>> = Object.fromEntries(
  Object.entries(ENCODERS).map(([name, member]) => [name, encoder(member)]),
);
