import { attendCache, cacheInputs } from "../blocks/attention.ts";
import { attendBlocks, blockInputs } from "../blocks/chosen-blocks.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { denseOrMixture } from "../blocks/mixture.ts";
import { norm } from "../blocks/norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import type { GraphBuilder } from "../context.ts";
import { add, rope } from "../ops/elementwise.ts";

/** MiniMax M3: after the dense layers attention to the blocks that an indexer picks (`src/models/minimax-m3.cpp`). */
const minimaxM3: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const chosen = blockInputs(g, inputs.full);
  const firstSparse = g.hp.number("leading_dense_block_count", 0);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const y = norm(g, x, block.weight("attn_norm"), "rms", il);
    const { q, k, v } = queryKeyValue(g, block, y);
    const turned = (part: typeof q, name: "q" | "k"): typeof q =>
      rope(norm(g, part, block.weight(`attn_${name}_norm`), "rms", il), g.positions());
    const queried = { q: turned(q, "q"), k: turned(k, "k"), v };
    const output = { ...block.projection("attn_output"), bias: undefined };
    const attended =
      chosen === undefined || il < firstSparse
        ? attendCache(g, inputs, il, queried, output)
        : attendBlocks(g, block, inputs.full, chosen, y, queried, output);
    const z = add(putOut(g, block, attended), putOut(g, block, x));
    const inner = norm(g, z, block.weight("ffn_norm"), "rms", il);
    return add(denseOrMixture(g, block, inner, { activation: "swiglu-oai", unscaled: true }), z);
  });
  return head(g, x);
};

export const MINIMAX_M3: Readonly<Record<string, GraphBuilder>> = { "minimax-m3": minimaxM3 };
