import type { GraphContext } from "../context.ts";
import { add, clamp } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { concat, cont, reshape, view } from "../ops/shapes.ts";
import { type GraphTensor, rowBytes } from "../tensor.ts";
import type { BlockWeights, Projection } from "../weights.ts";
import { project, scaled } from "./projection.ts";

/** Queries, keys and values of a batch, `[head, heads, tokens]`. */
export type QueryKeyValue = { readonly q: GraphTensor; readonly k: GraphTensor; readonly v: GraphTensor };

type Heads = { readonly q: number; readonly k: number; readonly v: number };

type Options = {
  /** Elements of one head. Default: those of the layer. */
  readonly dims?: Heads;
  readonly reads?: Reads;
  /** Rows of all heads, `[heads x head, tokens]`, neither clamped nor cut into heads yet. */
  readonly whole?: boolean;
};

/** What is read beside the matrices, though the file may have more: biases, the scales of an NVFP4 file, or neither. */
export type Reads = "all" | "biases" | "scales" | "matrices";

/** Who reads `attention.clamp_kqv`; in files of others it means nothing (`src/models/dbrx.cpp`, `mpt.cpp`, `olmo.cpp`). */
const CLAMPED: ReadonlySet<string> = new Set(["dbrx", "mpt", "olmo"]);

/** Queries, keys and values, of one matrix or of three, clamped where the model says so (`build_qkv`). */
export function queryKeyValue(
  g: GraphContext,
  block: BlockWeights,
  x: GraphTensor,
  options: Options = {},
): QueryKeyValue {
  const { hp } = g;
  const il = block.index;
  const keyDim = hp.keyDim(il);
  const dims = options.dims ?? { q: keyDim, k: keyDim, v: hp.valueDim(il) };
  const heads = { q: hp.heads(il), k: hp.kvHeads(il), v: hp.kvHeads(il) };
  const { whole = false, reads = "all" } = options;
  const readsBiases = reads === "all" || reads === "biases";
  const readsScales = reads === "all" || reads === "scales";
  const clamps = CLAMPED.has(hp.architecture) && !whole && hp.number("attention.clamp_kqv", 0) > 0;
  const clamped = (y: GraphTensor): GraphTensor => (clamps ? clamp(y) : y);
  const matrix = (name: string): Projection => {
    const { weight, bias, scale } = block.projection(name);
    return { weight, bias: readsBiases ? bias : undefined, scale: readsScales ? scale : undefined };
  };
  const joint = matrix("attn_qkv");
  if (joint.weight !== undefined) {
    const qkv = clamped(readsBiases ? projectJoint(block, joint, x) : project(joint, x));
    return whole ? rowsOfThree(g, qkv, dims, heads) : cutInThree(g, qkv, dims, heads);
  }
  const part = (name: "q" | "k" | "v"): GraphTensor => {
    const rows = clamped(project(matrix(`attn_${name}`), x));
    return whole ? rows : reshape(rows, dims[name], heads[name], g.tokens);
  };
  return { q: part("q"), k: part("k"), v: part("v") };
}

/** The biases of a joint matrix may be those of three. */
function projectJoint(block: BlockWeights, joint: Projection, x: GraphTensor): GraphTensor {
  const q = block.bias("attn_q");
  const k = block.bias("attn_k");
  const v = block.bias("attn_v");
  if (joint.weight === undefined || joint.bias !== undefined || !q || !k || !v) return project(joint, x);
  return add(scaled(mulMat(joint.weight, x), joint.scale), concat(concat(q, k, 0), v, 0));
}

/** Views of one row of all heads. */
function cutInThree(g: GraphContext, qkv: GraphTensor, dims: Heads, heads: Heads): QueryKeyValue {
  const part = (name: "q" | "k" | "v"): GraphTensor =>
    view(qkv, [dims[name], heads[name], g.tokens], [rowBytes(qkv.type, dims[name]), qkv.nb[1]]);
  return { q: part("q"), k: part("k"), v: part("v") };
}

/** Copies of the three parts of each row. */
function rowsOfThree(g: GraphContext, qkv: GraphTensor, dims: Heads, heads: Heads): QueryKeyValue {
  const part = (name: "q" | "k" | "v"): GraphTensor =>
    cont(view(qkv, [dims[name] * heads[name], g.tokens], [qkv.nb[1]]));
  return { q: part("q"), k: part("k"), v: part("v") };
}
