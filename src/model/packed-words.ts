import type { TensorEntry } from "../formats/tensor-entry.ts";
import { type ConfigObject, configObject } from "./config.ts";
import { denseWords, type PackedScheme, positive, type Siblings, usableBits } from "./packed-scheme.ts";

/**
 * Int32 words, dense along the inputs in GPTQ (`[I·bits/32, O]`) and along the outputs in AWQ (`[I, O·bits/32]`).
 * auto-round writes either.
 */
export function wordPacked(method: "gptq" | "awq"): PackedScheme {
  return {
    method,
    count: ({ part, tensor, siblings, quantization }) => {
      const weight = siblings.get("qweight");
      const scales = siblings.get("scales");
      if (weight === undefined) return undefined;
      const alongInputs = scales === undefined || scales.shape.at(-1) === weight.shape.at(-1);
      if (alongInputs !== (method === "gptq")) return undefined;
      if (WORD_AUXILIARIES.has(part)) return 0;
      if (part !== "qweight") return undefined;
      // AWQ's gemv_fast, which is of 4 bits only, interleaves rows in words of 16 bits.
      if (tensor.dtype === "I16") return tensor.elements * 4;
      if (tensor.dtype !== "I32") return "undecoded";
      const bits = provenBits(weight, siblings) ?? usableBits(positive(quantization, "bits", "w_bit"));
      return bits === undefined ? "undecoded" : denseWords(tensor, bits);
    },
  };
}

const WORD_AUXILIARIES: ReadonlySet<string> = new Set(["scales", "act_scales", "w_bf16_to_fp8_scale"]);

/** Zero points are packed like the weights and have one value per scale; an index has one value per input. */
function provenBits(weight: TensorEntry, siblings: Siblings): number | undefined {
  const zeros = siblings.get("qzeros");
  const scales = siblings.get("scales");
  const index = siblings.get("g_idx");
  const fromZeros = zeros?.dtype === "I32" && scales ? (32 * zeros.elements) / scales.elements : undefined;
  const fromIndex = index ? (32 * (weight.shape[0] ?? 0)) / index.elements : undefined;
  return usableBits(fromZeros) ?? usableBits(fromIndex);
}

/**
 * compressed-tensors `pack-quantized`: rows of int32 words, without gaps (0.20) or with ⌊32/bits⌋ values in each (before).
 * The configuration has a setting for each group of modules; those that fit the shapes must agree on the columns.
 */
export const packQuantized: PackedScheme = {
  method: "compressed-tensors",
  count: ({ part, tensor, siblings, quantization }) => {
    if (part !== "weight_packed" || tensor.dtype === "U8") return undefined;
    const scale = siblings.get("weight_scale");
    if (tensor.dtype !== "I32" || scale === undefined) return "undecoded";
    const words = tensor.shape.at(-1) ?? 0;
    const rows = words === 0 ? 0 : tensor.elements / words;
    const zeros = siblings.get("weight_zero_point");
    const bitsOfZeros = zeros?.dtype === "I32" ? usableBits((32 * zeros.elements) / scale.elements) : undefined;
    const settings = intSettings(quantization);
    const possible = settings.length === 0 && bitsOfZeros !== undefined ? [{ bits: bitsOfZeros }] : settings;
    const columns = new Set(
      possible
        .filter(({ bits }) => bitsOfZeros === undefined || bits === bitsOfZeros)
        .map((setting) => packedColumns(words, scale.shape.at(-1) ?? 1, setting))
        .filter((count) => count !== "unfit"),
    );
    const [only] = columns;
    return columns.size === 1 && typeof only === "number" ? rows * only : "undecoded";
  },
};

type IntSetting = { readonly bits: number; readonly groupSize?: number | undefined };

/** The integer `weights` settings of compressed-tensors, one per group of modules. */
function intSettings(quantization: ConfigObject | undefined): IntSetting[] {
  const groups = configObject(quantization?.get("config_groups"));
  return [...(groups?.values() ?? [])].flatMap((group) => {
    const weights = configObject(configObject(group)?.get("weights"));
    const bits = usableBits(positive(weights, "num_bits"));
    if (bits === undefined || weights?.get("type") === "float") return [];
    return [{ bits, groupSize: positive(weights, "group_size") }];
  });
}

/** Columns of a row of `words`; `unfit` when a setting cannot have made them, undefined when it does not tell. */
function packedColumns(words: number, scales: number, setting: IntSetting): number | "unfit" | undefined {
  const { bits, groupSize } = setting;
  const perWord = Math.floor(32 / bits);
  const wholeWords = 32 % bits === 0 ? words * perWord : undefined;
  if (groupSize === undefined) return scales === 1 ? wholeWords : "unfit";
  const columns = scales * groupSize;
  if (words === Math.ceil((columns * bits) / 32) || words === Math.ceil(columns / perWord)) return columns;
  // The last group may not be full.
  return wholeWords !== undefined && Math.ceil(wholeWords / groupSize) === scales ? wholeWords : "unfit";
}

/** int4 of Quark: int32 words along the outputs, of which there is a scale each. */
export const quarkWords: PackedScheme = {
  method: "quark",
  count: ({ part, tensor, siblings }) => {
    const scale = siblings.get("weight_scale");
    if (part !== "weight" || tensor.dtype !== "I32" || scale === undefined) return undefined;
    const outputs = scale.shape.at(-1) ?? 0;
    const groups = scale.shape.length === 2 ? (scale.shape[0] ?? 0) : 1;
    const bits = usableBits((32 * (tensor.shape.at(-1) ?? 0)) / outputs);
    return bits === undefined || (tensor.shape[0] ?? 0) % groups !== 0 ? "undecoded" : denseWords(tensor, bits);
  },
};

/** Words per scale of MLX's floats, whose scales are bytes: nvfp4 (16 values), mxfp4 and mxfp8 (32 values). */
const MLX_FLOAT_BITS: ReadonlyMap<number, number> = new Map([
  [2, 4],
  [4, 4],
  [8, 8],
]);

/** MLX: uint32 words without gaps, with `scales` and, in affine mode, `biases` per group of columns. */
export const mlx: PackedScheme = {
  method: "mlx",
  count: ({ part, tensor, siblings, module, quantization }) => {
    const weight = siblings.get("weight");
    const scales = siblings.get("scales");
    if (weight?.dtype !== "U32" || scales === undefined) return undefined;
    if (part === "scales" || part === "biases") return 0;
    if (part !== "weight") return undefined;
    const words = weight.shape.at(-1) ?? 0;
    const groups = scales.shape.at(-1) ?? 0;
    const settings = configObject(quantization?.get(module)) ?? quantization;
    const groupSize = positive(settings, "group_size") ?? positive(quantization, "group_size");
    const bits =
      scales.dtype === "U8"
        ? MLX_FLOAT_BITS.get(words / groups)
        : usableBits(groupSize && (32 * words) / (groupSize * groups));
    return bits === undefined ? "undecoded" : denseWords(tensor, bits);
  },
};

/**
 * HQQ: values in groups, one group a row (axis 1) or a column (axis 0), packed down the rows: a byte holds one value of
 * 5 to 8 bits, or 2, 4 or 8 smaller ones; an int32 holds ten of 3 bits. `scale` has one value per group.
 */
export const hqq: PackedScheme = {
  method: "hqq",
  count: ({ part, tensor, siblings, quantization }) => {
    if (!siblings.has("W_q")) return undefined;
    if (part !== "W_q") return part === "bias" ? undefined : 0;
    const scale = siblings.get("scale");
    const [rows = 0, columns = 0] = tensor.shape;
    if (scale?.shape.length !== 2 || !HQQ_CONTAINERS.has(tensor.dtype)) return "undecoded";
    const [groupsDown = 0, groupsAcross = 0] = scale.shape;
    if (groupsAcross === 1 && groupsDown >= rows) return groupsDown * columns;
    const settings = configObject(configObject(quantization?.get("quant_config"))?.get("weight_quant_params"));
    const bits = positive(settings, "nbits");
    if (groupsDown !== 1 || groupsAcross !== columns || bits === undefined) return "undecoded";
    const groupSize = positive(settings, "group_size");
    if (tensor.dtype === "I32")
      return groupSize && Math.ceil(groupSize / 10) === rows ? groupSize * columns : "undecoded";
    return bits > 4 ? tensor.elements : 8 % bits === 0 ? tensor.elements * (8 / bits) : "undecoded";
  },
};

const HQQ_CONTAINERS: ReadonlySet<string> = new Set(["U8", "I32"]);
