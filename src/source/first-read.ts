import type { Limits } from "../limits.ts";

/** 97 % of safetensors headers fit (huggingface_hub hf_api.py asks for as much). */
const SAFETENSORS_BYTES = 102_400;
/** Shards after the first repeat a few keys and list their tensors: about 7 KB. */
const LATER_GGUF_SHARD_BYTES = 16_384;

/**
 * Bytes the first request of a weight file asks for. The vocabulary in a GGUF's first file runs to megabytes, and
 * a request that is cancelled when the header ends costs nothing to ask largely.
 */
export function firstReadBytes(format: "gguf" | "safetensors", index: number, limits: Limits): number {
  if (format === "safetensors") return SAFETENSORS_BYTES;
  return index === 0 ? limits.ggufHeaderBytes : LATER_GGUF_SHARD_BYTES;
}
