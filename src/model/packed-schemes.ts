import type { LooseJson } from "../bytes/loose-json.ts";
import type { TensorEntry } from "../formats/tensor-entry.ts";
import { type ConfigObject, configObject } from "./config.ts";

/** The tensors of one module, by the part of their names after it. */
export type Siblings = ReadonlyMap<string, TensorEntry>;

export type PackedTensor = {
  readonly part: string;
  readonly tensor: TensorEntry;
  readonly siblings: Siblings;
  readonly module: string;
  /** `quantization_config`, or `quantization` of MLX. */
  readonly quantization: ConfigObject | undefined;
};

/** One way to pack weights. */
export type PackedScheme = {
  readonly method: string;
  /** Parameters the tensor stands for; undefined when it is not of this scheme, `undecoded` when its bits are unknown. */
  count(packed: PackedTensor): number | "undecoded" | undefined;
};

const FLOAT8 = /^F8_E[45]M/;

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
  "input_global_scale",
  "input_zero_point",
  "k_scale",
  "v_scale",
  "qzeros",
  "g_idx",
  "SCB",
]);

/** Numbers that serve decoding only. */
const auxiliary: PackedScheme = {
  method: "auxiliary",
  count: ({ part, tensor }) =>
    NEVER_PARAMETERS.has(part) || part.startsWith("weight.") || tensor.dtype === "F8_E8M0" ? 0 : undefined,
};

/**
 * Int32 words, dense along the inputs in GPTQ (`[I·bits/32, O]`) and along the outputs in AWQ (`[I, O·bits/32]`). The
 * zero points are packed like the weights and have one value per scale, so they prove the bits.
 */
function wordPacked(method: "gptq" | "awq"): PackedScheme {
  return {
    method,
    count: ({ part, tensor, siblings, quantization }) => {
      const weight = siblings.get("qweight");
      const scales = siblings.get("scales");
      if (weight === undefined) return undefined;
      const alongInputs = scales === undefined || scales.shape.at(-1) === weight.shape.at(-1);
      if (alongInputs !== (method === "gptq")) return undefined;
      if (part === "scales") return 0;
      if (part !== "qweight" || tensor.dtype !== "I32") return undefined;
      const zeros = siblings.get("qzeros");
      const proven = zeros && scales ? (32 * zeros.elements) / scales.elements : undefined;
      const bits = usableBits(proven) ?? usableBits(positive(quantization, "bits", "w_bit"));
      return bits === undefined ? "undecoded" : denseWords(tensor, bits);
    },
  };
}

/** compressed-tensors: `weight_packed`, int32 words of ⌊32/bits⌋ values each, or two 4-bit floats per byte. */
const compressedTensors: PackedScheme = {
  method: "compressed-tensors",
  count: ({ part, tensor, siblings, quantization }) => {
    if (part !== "weight_packed") return undefined;
    if (tensor.dtype === "U8") return tensor.elements * 2;
    if (tensor.dtype !== "I32") return "undecoded";
    const weights = groupWeights(quantization);
    const bits = usableBits(positive(weights, "num_bits"));
    if (bits === undefined) return "undecoded";
    const rows = tensor.shape[0] ?? 0;
    const groups = siblings.get("weight_scale")?.shape[1];
    const groupSize = positive(weights, "group_size");
    // Whole words hide how many columns the last one has; scales are one per group of columns.
    if (32 % bits !== 0) return groups && groupSize ? rows * groups * groupSize : "undecoded";
    return tensor.elements * (32 / bits);
  },
};

/** gpt-oss: blocks of 4-bit floats, two per byte, beside their exponents. */
const mxfp4Blocks: PackedScheme = {
  method: "mxfp4",
  count: ({ part, tensor, siblings }) => {
    if (siblings.get("_blocks")?.dtype !== "U8") return undefined;
    if (part === "_blocks") return tensor.elements * 2;
    return part === "_scales" ? 0 : undefined;
  },
};

/** bitsandbytes: two 4-bit values per byte beside their quantization state, or int8 rows beside `SCB`. */
const bitsandbytes: PackedScheme = {
  method: "bitsandbytes",
  count: ({ part, tensor, siblings }) => {
    if (part !== "weight") return undefined;
    if (tensor.dtype === "U8" && siblings.has("weight.absmax")) return tensor.elements * 2;
    return tensor.dtype === "I8" && siblings.has("SCB") ? tensor.elements : undefined;
  },
};

/** NVFP4 and MXFP4 of ModelOpt, Quark and others: two 4-bit floats per byte; BitNet: four ternary values. */
const bytePacked: PackedScheme = {
  method: "nvfp4",
  count: ({ part, tensor, siblings, quantization }) => {
    const scale = siblings.get("weight_scale");
    if (part !== "weight" || tensor.dtype !== "U8" || scale === undefined) return undefined;
    if (quantization?.get("quant_method") === "bitnet") return tensor.elements * 4;
    return scale.dtype === "F8_E4M3" || scale.dtype === "U8" ? tensor.elements * 2 : "undecoded";
  },
};

/** DeepSeek-V4 experts: two 4-bit floats per int8, whose exponents have a row for each row of weights. */
const int8Packed: PackedScheme = {
  method: "fp4",
  count: ({ part, tensor, siblings }) => {
    const scale = siblings.get("scale");
    if (part !== "weight" || tensor.dtype !== "I8" || scale?.dtype !== "F8_E8M0") return undefined;
    return scale.shape[0] === tensor.shape[0] ? tensor.elements * 2 : tensor.elements;
  },
};

/** FP8: one byte per weight, whatever the scales; a bare `scale` beside it is one of them. */
const float8: PackedScheme = {
  method: "fp8",
  count: ({ part, tensor, siblings }) => {
    const weight = siblings.get("weight");
    if (weight === undefined || !FLOAT8.test(weight.dtype)) return undefined;
    if (part === "weight") return tensor.elements;
    return part === "scale" || part === "scales" || part === "qscale_weight" || part === "qscale_act" ? 0 : undefined;
  },
};

/** int8 rows with a scale each (compressed-tensors `int-quantized`). */
const int8Rows: PackedScheme = {
  method: "int8",
  count: ({ part, tensor, siblings }) =>
    part === "weight" && tensor.dtype === "I8" && siblings.has("weight_scale") ? tensor.elements : undefined,
};

/** MLX: uint32 words of `32 / bits` values, with `scales` and, in affine mode, `biases` per group of columns. */
const mlx: PackedScheme = {
  method: "mlx",
  count: ({ part, tensor, siblings, module, quantization }) => {
    const weight = siblings.get("weight");
    const scales = siblings.get("scales");
    if (weight?.dtype !== "U32" || scales === undefined) return undefined;
    if (part === "scales" || part === "biases") return 0;
    if (part !== "weight") return undefined;
    const settings = configObject(quantization?.get(module)) ?? quantization;
    const groupSize = positive(settings, "group_size") ?? positive(quantization, "group_size");
    const columns = groupSize === undefined ? undefined : groupSize * (scales.shape.at(-1) ?? 0);
    const bits = usableBits(columns ? (32 * (weight.shape.at(-1) ?? 0)) / columns : undefined);
    return bits === undefined ? "undecoded" : denseWords(tensor, bits);
  },
};

/** Every packing that is decoded, most specific first. */
export const PACKED_SCHEMES: readonly PackedScheme[] = [
  auxiliary,
  mxfp4Blocks,
  wordPacked("gptq"),
  wordPacked("awq"),
  compressedTensors,
  bitsandbytes,
  bytePacked,
  int8Packed,
  int8Rows,
  float8,
  mlx,
];

/** The `weights` settings of compressed-tensors, when all its groups agree on the bits. */
function groupWeights(quantization: ConfigObject | undefined): ConfigObject | undefined {
  const groups = configObject(quantization?.get("config_groups"));
  if (groups === undefined) return undefined;
  const weights = [...groups.values()].flatMap((group) => configObject(configObject(group)?.get("weights")) ?? []);
  const bits = new Set(weights.map((settings) => settings.get("num_bits")));
  return bits.size === 1 ? weights[0] : undefined;
}

/** The first of these keys that holds a positive integer. */
function positive(settings: ConfigObject | undefined, ...keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value: LooseJson | undefined = settings?.get(key);
    if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65_536) return value;
  }
  return undefined;
}

/** Values in words without gaps between them. */
function denseWords(words: TensorEntry, bits: number): number {
  return Math.floor((words.elements * 32) / bits);
}

function usableBits(bits: number | undefined): number | undefined {
  return bits !== undefined && Number.isInteger(bits) && bits >= 1 && bits <= 32 ? bits : undefined;
}
