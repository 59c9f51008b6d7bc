import {
  bitsandbytes,
  bytePacked,
  float8,
  int8Packed,
  int8Rows,
  mxfp4Blocks,
  packedFloats,
  torchao,
} from "./packed-bytes.ts";
import type { PackedScheme } from "./packed-scheme.ts";
import { hqq, mlx, packQuantized, quarkWords, wordPacked } from "./packed-words.ts";

/** Parts that hold no parameter in any scheme. */
const NEVER_PARAMETERS: ReadonlySet<string> = new Set([
  "weight_scale",
  "weight_scale_inv",
  "weight_scale_2",
  "weight_global_scale",
  "weight_zero_point",
  "weight_shape",
  "weight_g_idx",
  "weight_format",
  "input_scale",
  "input_scale_2",
  "input_global_scale",
  "input_zero_point",
  "output_scale",
  "output_zero_point",
  "activation_scale",
  "pre_quant_scale",
  "k_scale",
  "v_scale",
  "qzeros",
  "g_idx",
  "SCB",
]);

/** What bitsandbytes keeps beside `weight`; `quant_state.…` has the type in its name. */
const QUANT_STATE = /^weight\.(?:absmax|quant_map|nested_absmax|nested_quant_map|quant_state\..*)$/s;

/** Numbers that serve decoding only. */
const auxiliary: PackedScheme = {
  method: "auxiliary",
  count: ({ part, tensor }) =>
    NEVER_PARAMETERS.has(part) || tensor.dtype === "F8_E8M0" || QUANT_STATE.test(part) ? 0 : undefined,
};

/** A part, and one beside it, that together are of a kind whose counts are in the values of tensors, or nowhere. */
const KNOWN_UNDECODED: readonly (readonly [method: string, part: string, beside: string])[] = [
  ["marlin-24", "weight_packed", "scale_packed"],
  ["sparse-bitmask", "weight.compressed", "weight.bitmask"],
  ["sparse-bitmask", "compressed", "bitmask"],
  ["float8-sparse", "_weight_qdata_and_metadata", "_weight_scale"],
  ["aqlm", "codes", "codebooks"],
  ["exl2", "q_weight", "q_scale"],
  ["exl3", "trellis", "suh"],
  ["higgs", "weight", "tables2"],
  ["marlin", "B", "s"],
  ["quanto", "weight._data", "weight._scale"],
  ["quip", "Qidxs", "SU"],
  ["spqr", "dense_weights", "row_offsets"],
  ["vptq", "indices", "centroids"],
  ["vptq", "indices", "centroids.weight"],
];

const undecoded: PackedScheme = {
  method: "undecoded",
  count: ({ part, siblings }) =>
    KNOWN_UNDECODED.some(([, packed, beside]) => part === packed && siblings.has(beside)) ? "undecoded" : undefined,
};

/** Every packing that is decoded, most specific first. */
export const PACKED_SCHEMES: readonly PackedScheme[] = [
  auxiliary,
  undecoded,
  mxfp4Blocks,
  wordPacked("gptq"),
  wordPacked("awq"),
  packQuantized,
  packedFloats,
  bitsandbytes,
  hqq,
  torchao,
  bytePacked,
  int8Packed,
  int8Rows,
  quarkWords,
  float8,
  mlx,
];
