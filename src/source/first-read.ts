import type { Limits } from "../limits.ts";

/** 97 % of safetensors headers fit (huggingface_hub hf_api.py asks for as much). */
const SAFETENSORS_BYTES = 102_400;
/** Shards after the first repeat a few keys and list their tensors: about 7 KB. */
const LATER_GGUF_SHARD_BYTES = 16_384;

/** Shards of one set are filled to about the same size: their headers differ by how long their names are. */
const HEADROOM = 1.005;
const STEP_BYTES = 1_024;
const LEAST_BYTES = 8_192;
/** The first shard is often the odd one: that of DeepSeek-V3 has a fifth of the others' tensors. */
const ENOUGH_HEADERS = 4;

/** How much the first request of each file of a set asks for, which is learnt from the headers already read. */
export type FirstReads = {
  bytes(index: number): number;
  /** Notes how long the header of file `index` turned out to be. */
  learn(index: number, headerBytes: number): void;
};

/**
 * The vocabulary in a GGUF's first file runs to megabytes, and a request that is cancelled when the header ends costs
 * nothing to ask largely. What is asked of the files after it, and of safetensors, is read to its end, so that the
 * connection can be used again: there, less is better, as long as it is enough.
 */
export function firstReads(format: "gguf" | "safetensors", limits: Limits): FirstReads {
  let largest = 0;
  let known = 0;
  const guess = (blind: number) =>
    known < ENOUGH_HEADERS ? blind : Math.max(LEAST_BYTES, Math.ceil((largest * HEADROOM) / STEP_BYTES) * STEP_BYTES);
  return {
    bytes(index) {
      if (format === "safetensors") return guess(SAFETENSORS_BYTES);
      return index === 0 ? limits.ggufHeaderBytes : guess(LATER_GGUF_SHARD_BYTES);
    },
    learn(index, headerBytes) {
      if (format === "gguf" && index === 0) return;
      known += 1;
      largest = Math.max(largest, headerBytes);
    },
  };
}
