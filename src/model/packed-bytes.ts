import type { TensorEntry } from "../formats/tensor-entry.ts";
import type { PackedScheme } from "./packed-scheme.ts";

/** gpt-oss: blocks of 4-bit floats, two per byte, beside their exponents. */
export const mxfp4Blocks: PackedScheme = {
  method: "mxfp4",
  count: ({ part, tensor, siblings }) => {
    if (siblings.get("_blocks")?.dtype !== "U8") return undefined;
    if (part === "_blocks") return tensor.elements * 2;
    return part === "_scales" ? 0 : undefined;
  },
};

/** bitsandbytes: two 4-bit values per byte beside their quantization state, or int8 rows beside `SCB`. */
export const bitsandbytes: PackedScheme = {
  method: "bitsandbytes",
  count: ({ part, tensor, siblings }) => {
    if (part !== "weight") return undefined;
    if (tensor.dtype === "U8" && siblings.has("weight.absmax")) return tensor.elements * 2;
    return tensor.dtype === "I8" && siblings.has("SCB") ? tensor.elements : undefined;
  },
};

/**
 * Bytes of packed values per scale, where scales are bytes: 16 (NVFP4) or 32 values of 4 bits, 32 of 6 or 8. The OCP
 * Microscaling formats have 32 values per scale, whatever their bits.
 */
const BITS_BY_BYTES_PER_SCALE: ReadonlyMap<number, number> = new Map([
  [8, 4],
  [16, 4],
  [24, 6],
  [32, 8],
]);

const BYTE_SCALES: ReadonlySet<string> = new Set(["U8", "F8_E4M3", "F8_E8M0"]);

/** Parameters in bytes of small floats, told by their scales; undefined when those are not bytes or fit no kind. */
function blockScaled(packed: TensorEntry, scale: TensorEntry | undefined): number | undefined {
  if (scale === undefined || !BYTE_SCALES.has(scale.dtype)) return undefined;
  if (scale.shape.length !== packed.shape.length || scale.shape.at(-2) !== packed.shape.at(-2)) return undefined;
  const bits = BITS_BY_BYTES_PER_SCALE.get((packed.shape.at(-1) ?? 0) / (scale.shape.at(-1) ?? 0));
  return bits && (packed.elements * 8) / bits;
}

/** NVFP4, MXFP4 and MXFP6 of compressed-tensors and auto-round. */
export const packedFloats: PackedScheme = {
  method: "compressed-tensors",
  count: ({ part, tensor, siblings }) => {
    if (part !== "weight_packed" || tensor.dtype !== "U8") return undefined;
    return blockScaled(tensor, siblings.get("weight_scale")) ?? "undecoded";
  },
};

/** NVFP4, MXFP4 and MXFP6 of ModelOpt, Quark and others; int4 of ModelOpt, two rows to one; BitNet, four rows to one. */
export const bytePacked: PackedScheme = {
  method: "nvfp4",
  count: ({ part, tensor, siblings, quantization }) => {
    const scale = siblings.get("weight_scale");
    if (part !== "weight" || tensor.dtype !== "U8" || scale === undefined) return undefined;
    if (scale.elements === 1 && quantization?.get("quant_method") === "bitnet") return tensor.elements * 4;
    const rows = tensor.shape.at(-2);
    if (rows !== undefined && scale.shape.at(-2) === 2 * rows) return tensor.elements * 2;
    return blockScaled(tensor, scale) ?? "undecoded";
  },
};

/** DeepSeek-V4 experts: two 4-bit floats per int8, beside exponents. */
export const int8Packed: PackedScheme = {
  method: "fp4",
  count: ({ part, tensor, siblings }) => {
    if (part !== "weight" || tensor.dtype !== "I8") return undefined;
    const scale = siblings.get("scale") ?? siblings.get("weight_scale_inv");
    return scale?.dtype === "F8_E8M0" ? (blockScaled(tensor, scale) ?? "undecoded") : undefined;
  },
};

/** int8 rows with a scale each, which EETQ names in the plural. */
export const int8Rows: PackedScheme = {
  method: "int8",
  count: ({ part, tensor, siblings }) => {
    if (siblings.get("weight")?.dtype !== "I8") return undefined;
    if (!siblings.has("weight_scale") && !siblings.has("weight_scales")) return undefined;
    if (part === "weight") return tensor.elements;
    return part === "weight_scales" ? 0 : undefined;
  },
};

const FLOAT8 = /^F8_E[45]M/;
const FLOAT8_SCALES: ReadonlySet<string> = new Set(["scale", "scales", "qscale_weight", "qscale_act"]);

/** FP8: one byte per weight, whatever the scales; a bare `scale` beside it is one of them. */
export const float8: PackedScheme = {
  method: "fp8",
  count: ({ part, tensor, siblings }) => {
    const weight = siblings.get("weight");
    if (weight === undefined || !FLOAT8.test(weight.dtype)) return undefined;
    if (part === "weight") return tensor.elements;
    return FLOAT8_SCALES.has(part) ? 0 : undefined;
  },
};

/** torchao: the data of a tensor subclass as `_weight_…`. */
export const torchao: PackedScheme = {
  method: "torchao",
  count: ({ part, tensor, siblings }) => {
    if (!siblings.has("_weight_qdata") || !part.startsWith("_weight_")) return undefined;
    if (part !== "_weight_qdata") return 0;
    const scale = siblings.get("_weight_scale");
    // 2:4 sparse, shuffled for a kernel, or padded to the tiles of tensor cores.
    if (scale === undefined || siblings.has("_weight_sparse_metadata") || tensor.shape.length > 3) return "undecoded";
    if (FLOAT8.test(tensor.dtype)) return tensor.elements;
    const fourBits = TORCHAO_FOUR_BIT_VALUES.get(tensor.dtype);
    if (tensor.dtype !== "I8") return fourBits === undefined ? "undecoded" : tensor.elements * fourBits;
    // int4 has a row of scales per group of columns, int8 a column.
    const rows = tensor.shape.at(-2);
    const isInt4 = scale.elements > 1 && scale.shape.at(-2) !== rows && scale.shape.at(-1) === rows;
    return isInt4 ? tensor.elements * 2 : tensor.elements;
  },
};

const TORCHAO_FOUR_BIT_VALUES: ReadonlyMap<string, number> = new Map([
  ["U8", 2],
  ["I32", 8],
]);
