import { GGML_TYPES_BY_NAME, type GgmlType } from "../../formats/gguf/types.ts";
import type { LlamaCppCacheType } from "./workload.ts";

/** The types llama.cpp takes for `--cache-type-k` and `--cache-type-v` (`common/arg.cpp`, kv_cache_types). */
export const CACHE_TYPE_NAMES: readonly LlamaCppCacheType[] = [
  "f32",
  "f16",
  "bf16",
  "q8_0",
  "q4_0",
  "q4_1",
  "iq4_nl",
  "q5_0",
  "q5_1",
];

/** Elements of one block; rows must be multiples of it. */
export function blockElements(type: LlamaCppCacheType): number {
  return cacheGgmlType(type).blockElements;
}

/** Bytes of one row of `elements` (ggml_row_size). Callers have checked that blocks divide it. */
export function rowBytes(type: LlamaCppCacheType, elements: number): number {
  const { blockElements: perBlock, blockBytes } = cacheGgmlType(type);
  return (elements / perBlock) * blockBytes;
}

/** The type as the file format has it. */
export function cacheGgmlType(type: LlamaCppCacheType): GgmlType {
  const found = GGML_TYPES_BY_NAME.get(type.toUpperCase());
  if (found === undefined) throw new Error(`no ggml type ${type}`);
  return found;
}
