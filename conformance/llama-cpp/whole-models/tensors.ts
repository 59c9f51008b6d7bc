import type { GgmlType, GgufTensor } from "../../../fixtures/write-gguf.ts";
import { foldNames, namesOf } from "../../folded-names.ts";
import type { ArchitectureCase } from "../architectures/groups.ts";

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

export function isMatrixWeight(name: string): boolean {
  return QUANTIZED.test(name);
}

export function isSidecar(name: string): boolean {
  return SIDECAR.test(name);
}

/** Blocks of these have a dense part or experts; the engine makes up both. */
const EITHER_DENSE_OR_EXPERTS: ReadonlySet<string> = new Set(["hy_v3", "mimo2", "step35"]);
const DENSE = /^(blk\.\d+\.ffn)_(?:gate|up|down)\.weight$/;

/** Without these it takes the blocks that predict further tokens for others, and it makes up nothing that is not there. */
const PREDICTING_PROBE = "nextn.eh_proj.weight";

/**
 * What the engine made up, as a file would have it. It is all F32: matrices take types whose blocks their rows can be cut
 * in.
 */
export function likeAFile(
  { architecture, keys }: Pick<ArchitectureCase, "architecture" | "keys">,
  tensors: readonly PrintedTensor[],
): GgufTensor[] {
  const names = new Set(tensors.map(([name]) => name));
  const isSpare = (name: string): boolean => {
    const part = EITHER_DENSE_OR_EXPERTS.has(architecture) ? DENSE.exec(name)?.[1] : undefined;
    return isSidecar(name) || (part !== undefined && names.has(`${part}_down_exps.weight`));
  };
  const made = tensors
    .filter(([name]) => !isSpare(name))
    .map(([name, , shape]): GgufTensor => ({ name, type: isMatrixWeight(name) ? typeFor(name, shape) : "F32", shape }));
  const predicting =
    Number(keys["nextn_predict_layers"] ?? 0) > 0 ? `blk.${Number(keys["block_count"]) - 1}.` : undefined;
  if (architecture !== "deepseek4" || predicting === undefined || names.has(predicting + PREDICTING_PROBE)) return made;
  const width = Number(keys["embedding_length"]);
  const vectors = ["nextn.enorm.weight", "nextn.hnorm.weight"].map((name) => ({ name, shape: [width] }));
  const added = [{ name: PREDICTING_PROBE, shape: [2 * width, width] }, ...vectors];
  return [...made, ...added.map(({ name, shape }): GgufTensor => ({ name: predicting + name, type: "F32", shape }))];
}

function typeFor(name: string, [row = 0, ...rest]: readonly number[]): GgmlType {
  if (rest.length === 0) return "F32";
  if (row % 256 === 0) return name.includes("_down") || name.includes("_v.") ? "Q6_K" : "Q4_K";
  if (row % 32 === 0) return name.includes("_down") || name.includes("_v.") ? "Q8_0" : "Q5_0";
  return "F16";
}
