import type { GgmlType, GgufTensor } from "../../../fixtures/write-gguf.ts";
import { foldNames, namesOf } from "../../folded-names.ts";

/** Tensors of a model, names folded: `blk.{0-5}.attn_q.weight` to `F16 256x512`. */
export type FoldedTensors = { readonly [names: string]: string };

/** A tensor as `ask --tensors` prints it. */
export type PrintedTensor = readonly [name: string, type: string, shape: readonly number[]];

export function foldTensors(tensors: readonly GgufTensor[]): FoldedTensors {
  return Object.fromEntries(foldNames(tensors.map(({ name, type, shape }) => [name, `${type} ${shape.join("x")}`])));
}

export function unfoldTensors(folded: FoldedTensors): GgufTensor[] {
  return Object.entries(folded).flatMap(([names, text]) => {
    const [type = "", shape = ""] = text.split(" ");
    return namesOf(names).map((name) => ({ name, type: type as GgmlType, shape: shape.split("x").map(Number) }));
  });
}

/** Matrices that files hold quantized; what other operations read stays as the engine makes it up. */
const QUANTIZED =
  /^(?:token_embd|output|(?:.*\.)?blk\.\d+\.(?:attn_(?:q|k|v|qkv|output)|ffn_(?:gate|up|down)(?:_exps|_shexp)?))\.weight$/;

/** The engine makes up every tensor it would take, also those that only NVFP4 files have. */
const SIDECAR = /\.(?:scale|input_scale)$/;

/** Blocks of these have a dense part or experts; the engine makes up both. */
const EITHER_DENSE_OR_EXPERTS: ReadonlySet<string> = new Set(["hy_v3", "mimo2", "step35"]);
const DENSE = /^(blk\.\d+\.ffn)_(?:gate|up|down)\.weight$/;

/**
 * What the engine made up, as a file would have it. It is all F32: matrices take types whose blocks their rows can be cut
 * in.
 */
export function likeAFile(architecture: string, tensors: readonly PrintedTensor[]): GgufTensor[] {
  const names = new Set(tensors.map(([name]) => name));
  const isSpare = (name: string): boolean => {
    const part = EITHER_DENSE_OR_EXPERTS.has(architecture) ? DENSE.exec(name)?.[1] : undefined;
    return SIDECAR.test(name) || (part !== undefined && names.has(`${part}_down_exps.weight`));
  };
  return tensors
    .filter(([name]) => !isSpare(name))
    .map(([name, , shape]) => ({ name, type: QUANTIZED.test(name) ? typeFor(name, shape) : "F32", shape }));
}

function typeFor(name: string, [row = 0, ...rest]: readonly number[]): GgmlType {
  if (rest.length === 0) return "F32";
  if (row % 256 === 0) return name.includes("_down") || name.includes("_v.") ? "Q6_K" : "Q4_K";
  if (row % 32 === 0) return name.includes("_down") || name.includes("_v.") ? "Q8_0" : "Q5_0";
  return "F16";
}
