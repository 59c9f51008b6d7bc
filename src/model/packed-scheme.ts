import type { LooseJson } from "../bytes/loose-json.ts";
import type { TensorEntry } from "../formats/tensor-entry.ts";
import type { ConfigObject } from "./config.ts";

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

/** The first of these keys that holds a positive integer. */
export function positive(settings: ConfigObject | undefined, ...keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value: LooseJson | undefined = settings?.get(key);
    if (typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65_536) return value;
  }
  return undefined;
}

/** Values in words without gaps between them. */
export function denseWords(words: TensorEntry, bits: number): number {
  return Math.floor((words.elements * 32) / bits);
}

export function usableBits(bits: number | undefined): number | undefined {
  return bits !== undefined && Number.isInteger(bits) && bits >= 1 && bits <= 32 ? bits : undefined;
}
