import { attendCache, attendWindow, cacheInputs, type Queried } from "../blocks/attention.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { head } from "../blocks/head.ts";
import { layers, putOut } from "../blocks/layers.ts";
import { feedForwardOrExperts, type MixtureOptions } from "../blocks/mixture.ts";
import { normOf } from "../blocks/norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, rmsNorm, rope } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Every so many layers one is not rotated, unless the file says that there are no windows (`n_no_rope_layer_step`). */
const UNROTATED_STEP = 4;
/** Maverick is told by its experts (`LLM_TYPE_17B_128E`): its queries and keys are not normed. */
const EXPERTS_OF_MAVERICK = 128;

const ROUTING: MixtureOptions = { gating: "sigmoid", normalized: false, chosenBy: "logits", weighsBefore: true };

/** Llama 4: chunks of a window, layers without a rotation, and one expert beside a shared one (`src/models/llama4.cpp`). */
const llama4: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const attend = hasWindows(g) ? attendWindow : attendCache;
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const queried = rotatedHeads(g, block, normOf(g, block, "attn_norm", x));
    const attended = attend(g, inputs, il, queried, block.projection("attn_output"));
    const y = add(putOut(g, block, attended), putOut(g, block, x));
    const normed = normOf(g, block, "ffn_norm", y);
    return add(feedForwardOrExperts(g, block, normed, ROUTING), y);
  });
  return head(g, x);
};

function hasWindows(g: GraphContext): boolean {
  return g.hp.key("attention.sliding_window") === undefined || g.hp.number("attention.sliding_window", 0) !== 0;
}

function rotatedHeads(g: GraphContext, block: BlockWeights, x: GraphTensor): Queried {
  const il = block.index;
  const { q, k, v } = queryKeyValue(g, block, x);
  const step = hasWindows(g) ? UNROTATED_STEP : g.hp.layerCount;
  if ((il + 1) % step === 0) return { q: mul(q, g.queryScales()), k, v };
  const normed = (y: GraphTensor): GraphTensor => (g.hp.expertCount() === EXPERTS_OF_MAVERICK ? y : rmsNorm(y));
  const rotated = (y: GraphTensor): GraphTensor => normed(rope(y, g.positions(), g.rotaryFactors(il)));
  return { q: rotated(q), k: rotated(k), v };
}

export const LLAMA4: Readonly<Record<string, GraphBuilder>> = { llama4 };
