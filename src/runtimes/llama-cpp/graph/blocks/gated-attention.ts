import type { GraphContext } from "../context.ts";
import { mul, rope, unary } from "../ops/elementwise.ts";
import { cont, reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import type { Queried } from "./attention.ts";
import { norm } from "./norm.ts";
import { project, unbiased } from "./projection.ts";
import { queryKeyValue, type Reads } from "./qkv.ts";

/** Queries, keys and values, and the gate of what attention gives, `[heads x head, tokens]`. */
type GatedQueried = Queried & { readonly gate: GraphTensor };

/** Where architectures with gated attention differ. */
export type GatedAttentionOptions = {
  /** Numbers of a position (`n_pos_per_embd`). */
  readonly positions: number;
  /** Queries and gates are taken apart after they were given a fourth dimension (Qwen3-Next). */
  readonly inFour?: boolean;
  /** Biases in the file may not be read (Qwen 4). */
  readonly reads?: Reads;
};

/** Queries that a gate came with in one matrix, by head, and keys; both normed and rotated (`build_layer_attn`). */
export function gatedQueryKeyValue(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  { positions, inFour = false, reads = "all" }: GatedAttentionOptions,
): GatedQueried {
  const { hp, tokens } = g;
  const il = block.index;
  const dim = hp.valueDim(il);
  const heads = hp.heads(il);
  const kvHeads = hp.kvHeads(il);
  const dims = { q: dim * 2, k: dim, v: dim };
  const { q: queries, k: keys, v: values } = queryKeyValue(g, block, x, { dims, reads, whole: true });
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
  return project(unbiased(block.projection("attn_output")), mul(y, unary(gate)));
}
