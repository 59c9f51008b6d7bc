import { attendCache, attendWindow, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { experts, gatingOf } from "../blocks/experts.ts";
import { denseParts, feedForward, withoutScales } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import { shortConvolution } from "../blocks/short-convolution.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, rope } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

type FeedForward = (g: GraphContext, block: BlockWeights, x: GraphTensor) => GraphTensor;

/** Short convolutions, some layers of attention between them (`src/models/lfm2.cpp`, which `lfm2moe.cpp` shares). */
function convolutions(feedForwardOf: FeedForward): GraphBuilder {
  return (g) => {
    const caches = unrotatedWindows(cacheInputs(g));
    const rows = stateRows(g);
    const x = layers(g, tokenEmbeddings(g), (x, block) => {
      const normed = norm(g, x, block.weight("attn_norm"), "rms", block.index);
      const mixed = g.hp.isRecurrent(block.index)
        ? shortConvolution(g, rows, block, normed)
        : attention(g, caches, block, normed);
      const y = add(putOut(g, block, x), putOut(g, block, mixed));
      return add(y, feedForwardOf(g, block, norm(g, y, block.weight("ffn_norm"), "rms", block.index)));
    });
    return head(g, x, { lastNorm: "token_embd_norm", embeddingsAlone: true });
  };
}

/** Hybrids do not rotate the quantized rows of caches that see a window (`build_inp_mem_hybrid_iswa`). */
function unrotatedWindows({ full, windowed }: CacheInputs): CacheInputs {
  return { full, windowed: { ...windowed, keyRotation: undefined, valueRotation: undefined } };
}

function attention(g: GraphContext, caches: CacheInputs, block: BlockWeights, x: GraphTensor): GraphTensor {
  const il = block.index;
  const { q, k, v } = queryKeyValue(g, block, x);
  const turned = (y: GraphTensor, name: string): GraphTensor =>
    rope(norm(g, y, block.weight(name), "rms", il), g.positions());
  const queried = { q: turned(q, "attn_q_norm"), k: turned(k, "attn_k_norm"), v };
  const attend = g.hp.isWindowed(il) ? attendWindow : attendCache;
  return attend(g, caches, il, queried, block.projection("attn_output"));
}

const dense: FeedForward = (_, block, x) => feedForward(x, withoutScales(denseParts(block)), "silu");

const denseThenExperts: FeedForward = (g, block, x) => {
  if (block.index < g.hp.number("leading_dense_block_count", 0)) return dense(g, block, x);
  const gating = gatingOf(g, "sigmoid");
  return experts(g, block, x, { gating, activation: "silu", normalized: true, unscaled: true });
};

export const LFM2: Readonly<Record<string, GraphBuilder>> = {
  lfm2: convolutions(dense),
  lfm2moe: convolutions(denseThenExperts),
};
