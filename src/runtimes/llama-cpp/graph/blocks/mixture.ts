import type { GraphContext } from "../context.ts";
import { add, div, mul, scale, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import { type ExpertOptions, experts } from "./experts.ts";
import { type Activation, type DenseOptions, dense } from "./feed-forward.ts";

export type MixtureOptions = Omit<ExpertOptions, "activation" | "scaled"> & {
  /** Default: `silu`. */
  readonly activation?: Activation;
  /** Of the expert that every token is given to, where it has another. */
  readonly sharedActivation?: Activation;
  /** What the scales of an NVFP4 file are read of. Default: nothing. */
  readonly scales?: "all" | "experts";
  /** Biases of a dense block are not read though the engine loads them. */
  readonly unbiased?: boolean;
  readonly shared?: SharedExpert;
};

/**
 * How the expert that every token is given to joins the chosen ones, where the file has it: it is added, or the mean of both
 * is taken, or it has a gate of its own, a sigmoid that may be computed as silu(x) / x (`src/models/qwen2moe.cpp`).
 */
type SharedExpert = "added" | "averaged" | "gated" | "gated by silu";

/** What Qwen has since Qwen3-Next. */
export const GATED_SHARE: MixtureOptions = { scales: "all", shared: "gated" };

/** Experts, or in a layer without a router a dense feed-forward: `[hidden, tokens]` to the same. */
export function feedForwardOrExperts(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  options: MixtureOptions = {},
): GraphTensor {
  if (block.weight("ffn_gate_inp") !== undefined) return mixture(g, block, x, options);
  return dense(g, block, x, options.activation ?? "silu", denseOptions(options));
}

/** Experts of which each token is given to some, and the one that it is given to always where the file has it (`ffn_…_shexp`). */
export function mixture(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  options: MixtureOptions = {},
): GraphTensor {
  const mixed = experts(g, block, x, { ...options, scaled: options.scales !== undefined });
  return withSharedExpert(g, block, x, mixed, options);
}

/** What the chosen experts gave, and the shared one. */
export function withSharedExpert(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  mixed: GraphTensor,
  options: MixtureOptions = {},
): GraphTensor {
  if (block.weight("ffn_up_shexp") === undefined) return mixed;
  const { shared = "added", activation = "silu", sharedActivation = activation } = options;
  const y = dense(g, block, x, sharedActivation, { ...denseOptions(options), name: "_shexp" });
  if (shared === "added") return add(mixed, y);
  if (shared === "averaged") return scale(add(mixed, y));
  const logit = mulMat(block.need("ffn_gate_inp_shexp"), x);
  const gate = unary(logit);
  return add(mixed, mul(y, shared === "gated" ? gate : div(gate, logit)));
}

function denseOptions({ scales, unbiased = false }: MixtureOptions): DenseOptions {
  return { scaled: scales === "all", unbiased };
}
