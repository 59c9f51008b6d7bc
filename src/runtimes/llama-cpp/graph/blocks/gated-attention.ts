import type { GraphContext } from "../context.ts";
import { mul, rope, unary } from "../ops/elementwise.ts";
import { cont, reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import type { Queried } from "./attention.ts";
import { norm } from "./norm.ts";
import { project } from "./projection.ts";
import { projectJoint } from "./qkv.ts";

/** Queries, keys and values, and the gate of what attention gives, `[heads x head, tokens]`. */
export type GatedQueried = Queried & { readonly gate: GraphTensor };

/** Where architectures with gated attention differ. */
export type GatedAttentionOptions = {
  /** Numbers of a position (`n_pos_per_embd`). */
  readonly positions: number;
  /** Queries and gates are taken apart after they were given a fourth dimension (Qwen3-Next). */
  readonly inFour?: boolean;
  /** Biases in the file are not read (Qwen 4). */
  readonly unbiased?: boolean;
};

/** Queries that a gate came with in one matrix, by head, and keys; both normed and rotated (`build_layer_attn`). */
export function gatedQueryKeyValue(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  { positions, inFour = false, unbiased = false }: GatedAttentionOptions,
): GatedQueried {
  const { hp, tokens } = g;
  const il = block.index;
  const dim = hp.valueDim(il);
  const heads = hp.heads(il);
  const kvHeads = hp.kvHeads(il);
  const { q: queries, k: keys, v: values } = flatQueryKeyValue(g, block, x, dim, unbiased);
  const all = inFour ? reshape(queries, dim * 2, heads, tokens) : queries;
  const [bytes] = all.nb;
  const half = (): GraphTensor =>
    view(
      all,
      [dim, heads, tokens],
      inFour ? [all.nb[1], all.nb[2], all.nb[3]] : [bytes * dim * 2, bytes * dim * 2 * heads],
    );
  const normed = (y: GraphTensor, name: string): GraphTensor => norm(g, y, block.weight(name), "rms", il);
  const rotated = (y: GraphTensor): GraphTensor => rope(y, g.positions(positions));
  return {
    q: rotated(normed(half(), "attn_q_norm")),
    k: rotated(normed(reshape(keys, dim, kvHeads, tokens), "attn_k_norm")),
    v: reshape(values, dim, kvHeads, tokens),
    gate: cont(half(), dim * heads, tokens),
  };
}

/** What attention gave, gated and projected. */
export function gatedOutput(block: BlockWeights, y: GraphTensor, gate: GraphTensor): GraphTensor {
  const { weight, scale } = block.projection("attn_output");
  return project({ weight, scale, bias: undefined }, mul(y, unary(gate)));
}

/** Rows of all heads, of one matrix or of three (`build_qkv` without a reshape). */
function flatQueryKeyValue(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  dim: number,
  unbiased: boolean,
): Queried {
  const il = block.index;
  const joint = block.projection("attn_qkv");
  if (joint.weight !== undefined) {
    const qkv = projectJoint(block, joint, x);
    const part = (width: number): GraphTensor => cont(view(qkv, [width, g.tokens], [qkv.nb[1]]));
    const width = dim * g.hp.kvHeads(il);
    return { q: part(dim * 2 * g.hp.heads(il)), k: part(width), v: part(width) };
  }
  const part = (name: string): GraphTensor => {
    const { weight, bias, scale } = block.projection(name);
    return project({ weight, scale, bias: unbiased ? undefined : bias }, x);
  };
  return { q: part("attn_q"), k: part("attn_k"), v: part("attn_v") };
}
