import type { Model } from "../model/model.ts";
import { isMetadataObject } from "./metadata-object.ts";

/** Bytes per element of the floating-point types a model is run in, by safetensors name. */
const FLOAT_BYTES: { readonly [dtype: string]: number } = { F64: 8, F32: 4, F16: 2, BF16: 2 };

/** The same types under PyTorch's names, as config.json and `dtype=` say them. */
const BY_TORCH_NAME: { readonly [name: string]: string } = {
  float64: "F64",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

/** Bytes per element of a floating-point type that `from_pretrained` converts; undefined for packed and integer types. */
export function floatBytes(dtype: string): number | undefined {
  return Object.hasOwn(FLOAT_BYTES, dtype) ? FLOAT_BYTES[dtype] : undefined;
}

/**
 * The type a model runs in. `auto` takes config.json's `dtype` (`torch_dtype` in older files), at the top or in the
 * text part; without one, the type of the first floating-point weight (`modeling_utils.py`, `_get_dtype`).
 */
export function runningDtype(model: Model, asked: string): string {
  const named = asked === "auto" ? configDtype(model.metadata) : asked;
  const known = named === undefined ? undefined : BY_TORCH_NAME[named];
  return known ?? model.tensors.find((tensor) => floatBytes(tensor.dtype) !== undefined)?.dtype ?? "F32";
}

function configDtype(metadata: Model["metadata"]): string | undefined {
  const text = metadata["text_config"];
  for (const level of [metadata, isMetadataObject(text) ? text : {}]) {
    for (const key of ["dtype", "torch_dtype"]) {
      const value = level[key];
      if (typeof value === "string") return value.replace(/^torch\./, "");
    }
  }
  return undefined;
}
