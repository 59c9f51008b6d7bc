import { attendCache, cacheInputs } from "../blocks/attention.ts";
import { attendCross, crossInputs } from "../blocks/cross-attention.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { dense } from "../blocks/feed-forward.ts";
import { head } from "../blocks/head.ts";
import { layers } from "../blocks/layers.ts";
import { normOf } from "../blocks/norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { distanceBias, distanceBuckets } from "../blocks/relative-positions.ts";
import { residualLayer } from "../blocks/residual.ts";
import { batchAttender } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import { getRows } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

const ENCODER = "enc.blk";
const DECODER = "dec.blk";

/** The decoder of T5: a context's own graph is this one, what encodes is drawn when it runs (`src/models/t5.cpp`). */
const t5: GraphBuilder = (g) => {
  const embeddings = tokenEmbeddings(g);
  const cross = crossInputs(g);
  const buckets = distanceBuckets(g, g.caches.of(0).cells);
  const inputs = cacheInputs(g);
  const count = g.hp.number("decoder_block_count", g.hp.layerCount);
  let x = embeddings;
  for (let il = 0; il < count; il++) {
    const block = g.block(il, DECODER);
    const output = (y: GraphTensor): GraphTensor => (il === count - 1 ? getRows(y, g.outputRows()) : y);
    const heads = queryKeyValue(g, block, normOf(g, block, "attn_norm", x));
    const scoreBias = distanceBias(buckets, distanceTable(g, block, DECODER));
    const own = add(attendCache(g, inputs, il, heads, block.projection("attn_o"), { scoreBias }), x);
    const crossed = attendCross(g, cross, block, normOf(g, block, "cross_attn_norm", own));
    const residual = add(output(crossed), output(own));
    x = add(gatedOrNot(g, block, normOf(g, block, "ffn_norm", residual)), residual);
  }
  return head(g, x, { lastNorm: "dec.output_norm" });
};

/** The encoder of T5 alone (`src/models/t5encoder.cpp`). */
const t5encoder: GraphBuilder = (g) => {
  const embeddings = tokenEmbeddings(g);
  const buckets = distanceBuckets(g, g.tokens);
  const attend = batchAttender(g);
  const encoded = (x: GraphTensor, block: BlockWeights): GraphTensor =>
    residualLayer(g, block, x, {
      attention: (y) => {
        const scoreBias = distanceBias(buckets, distanceTable(g, block, ENCODER));
        return attend(block.index, queryKeyValue(g, block, y), block.projection("attn_o"), { scoreBias });
      },
      feedForward: (y) => gatedOrNot(g, block, y),
    });
  return head(g, layers(g, embeddings, encoded, ENCODER), { lastNorm: "enc.output_norm", withoutLogits: "always" });
};

/** The table of a layer, or where it has none that of the first. */
function distanceTable(g: GraphContext, block: BlockWeights, prefix: string): GraphTensor {
  return block.weight("attn_rel_b") ?? g.block(0, prefix).need("attn_rel_b");
}

/** T5 bends by a relu, Flan-T5 gates by a gelu. */
function gatedOrNot(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  return dense(g, block, x, block.weight("ffn_gate") === undefined ? "relu" : "gelu", { scaled: true });
}

export const T5: Readonly<Record<string, GraphBuilder>> = { t5, t5encoder };
