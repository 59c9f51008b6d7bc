/**
 * Types llama-quantize gives the tensors of Llama-3-8B (dense, 32 layers, 4 queries per key, untied), by the rules of
 * src/llama-quant.cpp of llama.cpp v0.5.0 (`llama_tensor_get_type_impl`), for the file types below.
 */
const LAYERS = 32;

/** File type: its number (`enum llama_ftype`), its default type, and whether it is made with an importance matrix. */
const FILE_TYPES = {
  F16: [1, "F16", false],
  Q4_0: [2, "Q4_0", false],
  Q4_1: [3, "Q4_1", false],
  Q8_0: [7, "Q8_0", false],
  Q5_0: [8, "Q5_0", false],
  Q5_1: [9, "Q5_1", false],
  Q2_K: [10, "Q2_K", true],
  Q3_K_S: [11, "Q3_K", true],
  Q3_K_M: [12, "Q3_K", true],
  Q3_K_L: [13, "Q3_K", true],
  Q4_K_S: [14, "Q4_K", true],
  Q4_K_M: [15, "Q4_K", false],
  Q5_K_S: [16, "Q5_K", true],
  Q5_K_M: [17, "Q5_K", true],
  Q6_K: [18, "Q6_K", true],
  IQ3_XXS: [23, "IQ3_XXS", true],
  IQ4_NL: [25, "IQ4_NL", true],
  IQ3_M: [27, "IQ3_S", true],
  IQ4_XS: [30, "IQ4_XS", true],
  BF16: [32, "BF16", false],
} as const;

export type FileType = keyof typeof FILE_TYPES;
export const QUANTS: readonly FileType[] = Object.keys(FILE_TYPES) as FileType[];

export function fileTypeNumber(fileType: FileType): number {
  return FILE_TYPES[fileType][0];
}

export function hasImportances(fileType: FileType): boolean {
  return FILE_TYPES[fileType][2];
}

/** `use_more_bits` of llama-quant.cpp. */
const more = (layer: number): boolean =>
  layer < LAYERS / 8 || layer >= (7 * LAYERS) / 8 || (layer - LAYERS / 8) % 3 === 2;

/** The value projections; grouped queries of 4 give some of them more bits. */
function valueType(fileType: FileType, layer: number): string | undefined {
  if (fileType === "Q2_K" || fileType === "IQ3_XXS" || fileType === "IQ3_M") return "Q4_K";
  if (fileType === "Q3_K_M") return layer < 2 ? "Q5_K" : "Q4_K";
  if (fileType === "Q3_K_L" || fileType === "IQ4_NL" || fileType === "IQ4_XS") return "Q5_K";
  if (fileType === "Q4_K_M" || fileType === "Q5_K_M") return more(layer) ? "Q6_K" : undefined;
  return fileType === "Q4_K_S" && layer < 4 ? "Q5_K" : undefined;
}

function downType(fileType: FileType, layer: number): string | undefined {
  const early = layer < LAYERS / 8;
  if (fileType === "Q2_K") return "Q3_K";
  if (fileType === "Q3_K_M") return layer < LAYERS / 16 ? "Q5_K" : "Q4_K";
  if (fileType === "Q3_K_L") return "Q5_K";
  if (fileType === "IQ3_M") return early ? "Q4_K" : undefined;
  if (fileType === "Q4_K_M" || fileType === "Q5_K_M") return more(layer) ? "Q6_K" : undefined;
  return fileType === "Q4_K_S" && early ? "Q5_K" : undefined;
}

const OUTPUT_PROJECTIONS: Partial<Record<FileType, string>> = {
  Q2_K: "Q3_K",
  IQ3_XXS: "IQ3_S",
  Q3_K_M: "Q4_K",
  Q3_K_L: "Q5_K",
  IQ3_M: "Q4_K",
};

/** The type of a tensor: what it was in the F16 file, or what quantizing makes of it. */
export function typeOf(fileType: FileType, name: string, dimensions: number): string {
  const [, usual] = FILE_TYPES[fileType];
  if (dimensions < 2) return "F32";
  if (usual === "F16" || usual === "BF16") return usual;
  const layer = Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1);
  if (name === "output.weight") {
    if (fileType === "IQ3_XXS") return "Q5_K";
    return usual === "Q8_0" ? "Q8_0" : "Q6_K";
  }
  if (name === "token_embd.weight") return fileType === "IQ3_XXS" ? "IQ3_S" : usual;
  if (name.includes("attn_v")) return valueType(fileType, layer) ?? usual;
  if (/attn_[qk]\./.test(name)) return fileType === "IQ3_XXS" ? "IQ2_S" : usual;
  if (name.includes("ffn_down")) return downType(fileType, layer) ?? usual;
  if (name.includes("attn_output")) return OUTPUT_PROJECTIONS[fileType] ?? usual;
  return usual;
}
