import { cacheInputs, type Queried } from "../blocks/attention.ts";
import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { cacheAttender, rotatedHeads } from "../blocks/self-attention.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { mul, rmsNorm } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Every so many layers one is not rotated, unless the file says that there are no windows (`n_no_rope_layer_step`). */
const UNROTATED_STEP = 4;
/** Maverick is told by its experts (`LLM_TYPE_17B_128E`): its queries and keys are not normed. */
const EXPERTS_OF_MAVERICK = 128;

/** Llama 4: chunks of a window, layers without a rotation, and one expert beside a shared one (`src/models/llama4.cpp`). */
function llama4(g: GraphContext): DecoderForm {
  const attend = cacheAttender(g, cacheInputs(g), hasWindows(g));
  return {
    attention: (block, x) => attend(block.index, placedHeads(g, block, x), block.projection("attn_output")),
    mixture: { gating: "sigmoid", normalized: false, chosenBy: "logits", weighsBefore: true },
  };
}

function hasWindows(g: GraphContext): boolean {
  return g.hp.key("attention.sliding_window") === undefined || g.hp.number("attention.sliding_window", 0) !== 0;
}

/** Queries that are not rotated are scaled by how far on their token is. */
function placedHeads(g: GraphContext, block: BlockWeights, x: GraphTensor): Queried {
  const step = hasWindows(g) ? UNROTATED_STEP : g.hp.layerCount;
  const heads = queryKeyValue(g, block, x);
  if ((block.index + 1) % step === 0) return { ...heads, q: mul(heads.q, g.queryScales()) };
  const turned = rotatedHeads(g, heads, g.rotaryFactors(block.index));
  if (g.hp.expertCount() === EXPERTS_OF_MAVERICK) return turned;
  return { ...turned, q: rmsNorm(turned.q), k: rmsNorm(turned.k) };
}

export const LLAMA4: Readonly<Record<string, GraphBuilder>> = decoders({ llama4 });
