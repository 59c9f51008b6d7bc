import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { norm, normOf } from "../blocks/norm.ts";
import { cacheAttender, selfAttention } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, scale } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** What the engine takes for a file that does not say (`llama_model_grok::load_arch_hparams`). */
const EMBEDDING_SCALE = 78.38367176906169;

/** Grok: norms before and after both halves of a layer, and a soft cap on the scores (`src/models/grok.cpp`). */
const grok: GraphBuilder = (g) => {
  const attend = cacheAttender(g);
  const embeddings = tokenEmbeddings(g, { scaled: g.hp.number("embedding_scale", EMBEDDING_SCALE) !== 0 });
  const x = layers(g, embeddings, (x, block) => {
    const il = block.index;
    const attended = selfAttention(g, block, normOf(g, block, "attn_norm", x), attend, { softCap: true });
    const y = normOf(g, block, "attn_output_norm", putOut(g, block, attended));
    const sum = add(y, putOut(g, block, x));
    const mixed = expertsAndDense(g, block, normOf(g, block, "ffn_norm", sum));
    const after = block.weight("layer_output_norm") ?? block.weight("post_ffw_norm");
    return add(norm(g, mixed, after, "rms", il), sum);
  });
  return head(g, x, { scaledLogits: true, cappedLogits: g.hp.number("final_logit_softcapping", 0) !== 0 });
};

/** Beside the experts a dense block, where the file has one (Grok 2): the mean of both but for a factor. */
function expertsAndDense(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const mixed = experts(g, block, x, { activation: "gelu" });
  if (block.weight("ffn_up") === undefined) return mixed;
  return scale(add(dense(g, block, x, "gelu"), mixed));
}

export const GROK: Readonly<Record<string, GraphBuilder>> = { grok };
