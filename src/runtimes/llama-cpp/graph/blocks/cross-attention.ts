import type { GraphContext } from "../context.ts";
import { reshape } from "../ops/shapes.ts";
import { F16, F32, type GraphTensor, inputTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { attend } from "./attention.ts";
import { projectUnscaled } from "./projection.ts";

/** What an encoder gave, and which of it each token may see. */
type CrossInputs = { readonly encoded: GraphTensor; readonly mask: GraphTensor };

/** As long as nothing is encoded both have the size of the trained context (`build_inp_cross_embd`, `build_attn_inp_cross`). */
export function crossInputs(g: GraphContext): CrossInputs {
  const trained = g.hp.number("context_length", 0);
  return {
    encoded: inputTensor(F32, [g.hp.hiddenSize, trained]),
    mask: inputTensor(g.fused.flashAttention ? F16 : F32, [trained, g.tokens]),
  };
}

/** Attends to what was encoded, `[hidden, tokens]` (`llm_graph_input_attn_cross`). */
export function attendCross(g: GraphContext, inputs: CrossInputs, block: BlockWeights, x: GraphTensor): GraphTensor {
  const { hp } = g;
  const part = (name: "q" | "k" | "v", from: GraphTensor, heads: number): GraphTensor =>
    reshape(projectUnscaled(block.projection(`cross_attn_${name}`), from), hp.valueDim(), heads, from.ne[1]);
  const q = g.expand(part("q", x, hp.heads()));
  const k = g.expand(part("k", inputs.encoded, hp.kvHeads()));
  const v = g.expand(part("v", inputs.encoded, hp.kvHeads()));
  return projectUnscaled(block.projection("cross_attn_o"), attend(g, block.index, q, k, v, inputs.mask));
}
