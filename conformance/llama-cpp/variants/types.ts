import type { GgmlType, GgufTensor } from "../../../fixtures/write-gguf.ts";
import { isMatrixWeight, isSidecar, type PrintedTensor } from "../whole-models/tensors.ts";

/** What llama-quantize gives the matrices of one model: by size and place, so that each block has several. */
const MIXED: readonly GgmlType[] = ["Q4_K", "Q6_K", "IQ4_XS", "Q3_K", "Q8_0", "BF16"];

/** Every matrix in the next type of the list whose blocks its rows can be cut in. */
export function mixedTypes(tensors: readonly PrintedTensor[]): GgufTensor[] {
  return tensors
    .filter(([name]) => !isSidecar(name))
    .map(([name, , shape], index) => {
      if (!isMatrixWeight(name) || shape.length < 2) return { name, type: "F32", shape };
      const next = MIXED[index % MIXED.length] ?? "F16";
      return { name, type: (shape[0] ?? 0) % 256 === 0 ? next : "F16", shape };
    });
}

/** The engine does not take an NVFP4 matrix of these with both a scale and a bias (`src/llama-graph.cpp:1779`). */
const FEED_FORWARD_BIAS = /\.ffn_(?:gate|up|down)\.bias$/;

/** Every matrix NVFP4, with the scales that the engine looks for beside it. */
export function withScales(tensors: readonly PrintedTensor[]): GgufTensor[] {
  return tensors
    .filter(([name]) => !FEED_FORWARD_BIAS.test(name))
    .map(([name, , shape]) => {
      const isCut = isMatrixWeight(name) && shape.length > 1 && (shape[0] ?? 0) % 64 === 0;
      return { name, type: isCut ? "NVFP4" : "F32", shape };
    });
}
