import type { GraphContext } from "../context.ts";
import { rope } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { concat, cont, permute, repeat, reshape, view } from "../ops/shapes.ts";
import { type GraphTensor, rowBytes } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";
import type { Queried } from "./attention.ts";
import { normOf } from "./norm.ts";

/** Elements of a layer's latent rows and of its heads before they are turned into those. */
type LatentSizes = {
  readonly heads: number;
  readonly rank: number;
  readonly plain: number;
  readonly rotated: number;
  readonly value: number;
};

/** True where the file has the up-projections of keys and values apart (`is_mla`). */
export function isAbsorbed(g: GraphContext): boolean {
  return g.hp.number("attention.key_length_mla", 0) > 0;
}

/** The sizes of a layer (`n_embd_head_k_mla`, `n_lora_kv`, …); layers that see a window may have their own. */
export function latentSizes(g: GraphContext, il: number): LatentSizes {
  const { hp } = g;
  const rotated = hp.number("rope.dimension_count", 0);
  const sized = (name: string, otherwise: number): number => {
    // A size of 0 stands for none.
    const full = hp.number(name, 0) || otherwise;
    return hp.isWindowed(il) ? hp.number(`${name}_swa`, 0) || full : full;
  };
  const key = sized("attention.key_length_mla", hp.keyDim(il));
  const value = sized("attention.value_length_mla", hp.valueDim(il));
  return { heads: hp.heads(il), rank: sized("attention.kv_lora_rank", 0), plain: key - rotated, rotated, value };
}

/** The narrow row that all queries of a token come from, `[rank, tokens]`. */
export function latentQuery(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  return normOf(g, block, "attn_q_a_norm", mulMat(block.need("attn_q_a"), x));
}

/** Queries of all heads in one row, by way of a narrow one where the model has that: `[heads x head, tokens]`. */
export function latentQueries(g: GraphContext, block: BlockWeights, x: GraphTensor): GraphTensor {
  const direct = block.weight("attn_q");
  return direct === undefined ? mulMat(block.need("attn_q_b"), latentQuery(g, block, x)) : mulMat(direct, x);
}

type Options = {
  readonly factors?: GraphTensor | undefined;
  /** Neither queries nor keys are rotated: the model knows no positions (Kimi). */
  readonly unrotated?: boolean;
  /** A norm of the rotated key (`attn_k_norm`). */
  readonly keyNorm?: boolean;
};

/** The row that is cached of each token: its latent part, normed, and its rotated key. */
function latentRow(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  { rank, rotated }: LatentSizes,
  { factors, keyNorm = false, unrotated = false }: Options,
): { readonly latent: GraphTensor; readonly key: GraphTensor } {
  const joint = mulMat(block.need("attn_kv_a_mqa"), x);
  const stride = joint.nb[1];
  let key = view(joint, [rotated, 1, g.tokens], [stride, stride]);
  if (keyNorm) key = normOf(g, block, "attn_k_norm", key);
  const latent = normOf(g, block, "attn_kv_a_norm", view(joint, [rank, g.tokens], [stride]));
  return { latent, key: unrotated ? key : rope(key, g.positions(), factors) };
}

/**
 * Queries, keys and values of latent attention as the engine takes it where keys and values have up-projections of their
 * own: queries go down to the latent rows, which all heads share (`src/models/deepseek2.cpp`).
 */
export function absorbedHeads(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  queries: GraphTensor,
  options: Options = {},
): Queried {
  const sizes = latentSizes(g, block.index);
  const { heads, rank, plain, rotated } = sizes;
  const head = rowBytes(queries.type, plain + rotated);
  const part = (size: number): GraphTensor => view(queries, [size, heads, g.tokens], [head, head * heads]);
  const { latent, key } = latentRow(g, block, x, sizes, options);
  const absorbed = mulMat(block.need("attn_k_b"), permute(part(plain), 0, 2, 1, 3));
  const last = part(rotated);
  const q = concat(
    permute(absorbed, 0, 2, 1, 3),
    options.unrotated ? last : rope(last, g.positions(), options.factors),
    0,
  );
  const v = reshape(latent, rank, 1, g.tokens);
  return { q, k: concat(v, key, 0), v };
}

/** The same with keys and values of each head, of one up-projection (`attn_kv_b`). */
export function expandedHeads(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  queries: GraphTensor,
  options: Options = {},
): Queried {
  const sizes = latentSizes(g, block.index);
  const { heads, plain, rotated, value } = sizes;
  const { latent, key } = latentRow(g, block, x, sizes, options);
  const both = mulMat(block.need("attn_kv_b"), latent);
  const head = rowBytes(both.type, plain + value);
  const part = (size: number): GraphTensor => view(both, [size, heads, g.tokens], [head, head * heads]);
  const k = concat(part(plain), repeat(key, rotated, heads, g.tokens, 1), 0);
  return { q: rope(queries, g.positions(), options.factors), k, v: cont(part(value)) };
}
