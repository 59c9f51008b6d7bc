import type { GgufKeySpec, GgufSpec, GgufTensorSpec } from "../formats/write-gguf.ts";

export const U64_MAX: bigint = 2n ** 64n - 1n;
export const I64_MIN: bigint = 2n ** 63n;

export const NAME: GgufKeySpec = { key: "general.architecture", type: "string", value: "llama" };
/** 16 bytes of F32 at offset 0. */
export const TENSOR: GgufTensorSpec = { name: "a", shape: [4] };

export const aligned = (alignment: number): GgufKeySpec => ({
  key: "general.alignment",
  type: "u32",
  value: alignment,
});
export const key = (value: Omit<GgufKeySpec, "key">): GgufSpec => ({ keys: [{ key: "k", ...value }] });
export const tensor = (spec: Partial<GgufTensorSpec>, dataBytes = 16): GgufSpec => ({
  tensors: [{ ...TENSOR, ...spec }],
  dataBytes,
});
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
