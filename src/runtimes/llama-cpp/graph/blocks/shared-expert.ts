import { add, div, mul, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { denseParts, feedForward, withoutScales } from "./feed-forward.ts";

/**
 * An expert that every token is given to, beside the chosen ones: `added`, or `weighted` by a sigmoid of its own that is
 * computed as silu(x) / x (`src/models/qwen2moe.cpp`).
 */
export type SharedExpert = "none" | "added" | "weighted";

/** What the chosen experts gave and what the shared one gives, `[hidden, tokens]`. */
export function withSharedExpert(
  block: BlockWeights,
  x: GraphTensor,
  mixed: GraphTensor,
  shared: SharedExpert,
  unscaled: boolean,
): GraphTensor {
  if (shared === "none") return mixed;
  const parts = unscaled ? withoutScales(denseParts(block, "_shexp")) : denseParts(block, "_shexp");
  const y = feedForward(x, parts, "silu");
  if (shared === "added") return add(mixed, y);
  const logit = mulMat(block.need("ffn_gate_inp_shexp"), x);
  return add(mixed, mul(y, div(unary(logit), logit)));
}
