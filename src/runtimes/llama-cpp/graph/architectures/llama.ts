import { attendBatch, attendCache, batchInputs, cacheInputs } from "../blocks/attention.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { denseParts, feedForward } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, rope } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Llama 2 and 3, Mistral, Mixtral (`src/models/llama.cpp`). */
const llama: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const { q, k, v } = rotatedHeads(g, block, norm(g, x, block.weight("attn_norm"), "rms", il));
    const y = putOut(g, block, attendCache(g, inputs, il, { q, k, v }, block.projection("attn_output")));
    return feedForwardOrExperts(g, block, add(y, putOut(g, block, x)));
  });
  return head(g, x);
};

/** The same looking both ways: nothing is cached and no logits are put out (llama-embed). */
const llamaEmbed: GraphBuilder = (g) => {
  const inputs = batchInputs(g);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const { q, k, v } = rotatedHeads(g, block, norm(g, x, block.weight("attn_norm"), "rms", il));
    const y = putOut(g, block, attendBatch(g, inputs, il, { q, k, v }, block.projection("attn_output")));
    return feedForwardOrExperts(g, block, add(y, putOut(g, block, x)));
  });
  return { embedding: g.expand(norm(g, x, g.weights.find("output_norm.weight"), "rms", -1)) };
};

function rotatedHeads(g: GraphContext, block: BlockWeights, x: GraphTensor): ReturnType<typeof queryKeyValue> {
  const { q, k, v } = queryKeyValue(g, block, x);
  const factors = g.rotaryFactors(block.index);
  return { q: rope(q, g.positions(), factors), k: rope(k, g.positions(), factors), v };
}

function feedForwardOrExperts(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const y = norm(g, x, block.weight("ffn_norm"), "rms", block.index);
  if (block.weight("ffn_gate_inp") === undefined) return add(feedForward(y, denseParts(block), "silu"), x);
  const mixed = experts(g, block, y, { gating: "softmax", activation: "silu", normalized: true, unbiased: true });
  return add(mixed, x);
}

export const LLAMA: Readonly<Record<string, GraphBuilder>> = { llama, "llama-embed": llamaEmbed };
