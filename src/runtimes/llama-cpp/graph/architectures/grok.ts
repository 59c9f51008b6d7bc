import { attendCache, cacheInputs } from "../blocks/attention.ts";
import { layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import { scaled } from "../blocks/projection.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, rope, scale, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** What the engine takes for a file that does not say (`llama_model_grok::load_arch_hparams`). */
const EMBEDDING_SCALE = 78.38367176906169;

/** Grok: norms before and after both halves of a layer, and scores bent by a tanh (`src/models/grok.cpp`). */
const grok: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const embeddings = tokenEmbeddings(g, { scaled: g.hp.number("embedding_scale", EMBEDDING_SCALE) !== 0 });
  const x = layers(g, embeddings, (x, block) => {
    const il = block.index;
    const { q, k, v } = queryKeyValue(g, block, norm(g, x, block.weight("attn_norm"), "rms", il));
    const queried = { q: rope(q, g.positions()), k: rope(k, g.positions()), v };
    const attended = attendCache(g, inputs, il, queried, block.projection("attn_output"), { bends: 1 });
    const y = norm(g, putOut(g, block, attended), block.weight("attn_output_norm"), "rms", il);
    const sum = add(y, putOut(g, block, x));
    const mixed = expertsAndDense(g, block, norm(g, sum, block.weight("ffn_norm"), "rms", il));
    const after = block.weight("layer_output_norm") ?? block.weight("post_ffw_norm");
    return add(norm(g, mixed, after, "rms", il), sum);
  });
  const embedding = norm(g, x, g.weights.find("output_norm.weight"), "rms", -1);
  const logits = scale(scaled(mulMat(g.weights.output(), embedding), g.weights.find("output.scale")));
  const isCapped = g.hp.number("final_logit_softcapping", 0) !== 0;
  return { embedding, logits: g.expand(isCapped ? scale(unary(scale(logits))) : logits) };
};

/** Beside the experts a dense block, where the file has one (Grok 2): the mean of both but for a factor. */
function expertsAndDense(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const mixed = experts(g, block, x, { gating: "softmax", activation: "gelu", normalized: true, unscaled: true });
  if (block.weight("ffn_up") === undefined) return mixed;
  return scale(add(feedForward(x, withoutScales(denseParts(block)), "gelu"), mixed));
}

export const GROK: Readonly<Record<string, GraphBuilder>> = { grok };
