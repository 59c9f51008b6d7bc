import { attendBatch, batchInputs, cacheInputs } from "../blocks/attention.ts";
import { head, layers } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import { residualLayer } from "../blocks/residual.ts";
import { type Attender, cacheAttender, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import type { GraphTensor } from "../tensor.ts";

/** Gemma 2: scores and logits have soft caps (`src/models/gemma2.cpp`). */
const gemma2: GraphBuilder = (g) => {
  const x = gemmaLayers(g, cacheAttender(g, cacheInputs(g)), 1);
  return head(g, x, { cappedLogits: true });
};

/** Gemma 3 (`src/models/gemma3.cpp`). */
const gemma3: GraphBuilder = (g) => {
  const x = gemmaLayers(g, cacheAttender(g, cacheInputs(g)));
  return head(g, x, { cappedLogits: g.hp.number("final_logit_softcapping", 0) !== 0 });
};

/** EmbeddingGemma: the same looking both ways, without a cache and logits (`src/models/gemma-embedding.cpp`). */
const gemmaEmbedding: GraphBuilder = (g) => {
  const inputs = batchInputs(g);
  const x = gemmaLayers(g, (layer, heads, output, options) => attendBatch(g, inputs, layer, heads, output, options));
  return { embedding: g.expand(norm(g, x, g.weights.find("output_norm.weight"), "rms", -1)) };
};

/** Norms on both sides of attention and feed-forward, heads normed where the file says so. */
function gemmaLayers(g: GraphContext, attend: Attender, bends = 0): GraphTensor {
  return layers(g, tokenEmbeddings(g, { scaled: true }), (x, block) =>
    residualLayer(g, block, x, {
      attention: (y) => selfAttention(g, block, y, attend, { scaledQueries: true, bends }),
      feedForward: (y) => feedForward(y, withoutScales(denseParts(block)), "gelu"),
    }),
  );
}

export const GEMMA: Readonly<Record<string, GraphBuilder>> = { gemma2, gemma3, "gemma-embedding": gemmaEmbedding };
