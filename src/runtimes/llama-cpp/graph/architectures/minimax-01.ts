import { attendCache, cacheInputs } from "../blocks/attention.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts } from "../blocks/experts.ts";
import { lightningInputs, lightningLayer } from "../blocks/lightning.ts";
import { norm } from "../blocks/norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import type { GraphBuilder } from "../context.ts";
import { add, rope, scale } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";

/** MiniMax-Text-01: lightning attention, and every few layers softmax attention (`src/models/minimax-01.cpp`). */
const minimax01: GraphBuilder = (g) => {
  const embedded = tokenEmbeddings(g);
  const inputs = cacheInputs(g);
  const rows = stateRows(g);
  const decays = lightningInputs(g);
  const x = layers(g, embedded, (x, block) => {
    const il = block.index;
    const normed = norm(g, x, block.weight("attn_norm"), "rms", il);
    const attend = (): GraphTensor => {
      const { q, k, v } = queryKeyValue(g, block, normed);
      const { weight, scale } = block.projection("attn_output");
      const queried = { q: rope(q, g.positions()), k: rope(k, g.positions()), v };
      return attendCache(g, inputs, il, queried, { weight, scale, bias: undefined });
    };
    const y = g.hp.isRecurrent(il) ? lightningLayer(g, rows, decays, block, normed) : attend();
    // What is added is the normed input, not the input.
    const z = add(putOut(g, block, y), scale(putOut(g, block, normed)));
    const inner = norm(g, z, block.weight("ffn_norm"), "rms", il);
    const mixed = experts(g, block, inner, {
      gating: "softmax",
      activation: "silu",
      normalized: true,
      unbiased: true,
      unscaled: true,
    });
    return add(mixed, scale(inner));
  });
  return head(g, x);
};

export const MINIMAX_01: Readonly<Record<string, GraphBuilder>> = { "minimax-01": minimax01 };
