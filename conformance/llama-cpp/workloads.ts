import type { LlamaCppCacheType, LlamaCppWorkload } from "../../src/runtimes/llama-cpp/workload.ts";

/** The settings the golden numbers were asked for, in the words of a weighin workload. */
export type AskedWorkload = Required<Pick<LlamaCppWorkload, "contextTokens">> &
  Pick<
    LlamaCppWorkload,
    | "sequences"
    | "unifiedCache"
    | "cacheTypeK"
    | "cacheTypeV"
    | "fullSlidingWindowCache"
    | "batchTokens"
    | "microBatchTokens"
    | "flashAttention"
  >;

const quantized = (type: LlamaCppCacheType): Pick<AskedWorkload, "cacheTypeK" | "cacheTypeV"> => ({
  cacheTypeK: type,
  cacheTypeV: type,
});

/** Chosen so that padding, streams, windows, small batches and every branch of the cache rules show. */
export const WORKLOADS: readonly AskedWorkload[] = [
  { contextTokens: 512 },
  { contextTokens: 8192 },
  { contextTokens: 5000, sequences: 3 },
  { contextTokens: 5000, sequences: 3, unifiedCache: true },
  { contextTokens: 8192, ...quantized("q8_0") },
  { contextTokens: 8192, cacheTypeK: "q8_0", cacheTypeV: "q4_0" },
  { contextTokens: 2048, ...quantized("f32") },
  { contextTokens: 2048, ...quantized("bf16"), sequences: 2 },
  { contextTokens: 8192, fullSlidingWindowCache: true, microBatchTokens: 256 },
  { contextTokens: 5000, sequences: 3, unifiedCache: true, fullSlidingWindowCache: true },
  { contextTokens: 300, microBatchTokens: 1024 },
  { contextTokens: 4096, sequences: 4, batchTokens: 64, microBatchTokens: 512 },
  { contextTokens: 8192, flashAttention: "off" },
  { contextTokens: 8192, flashAttention: "off", cacheTypeV: "q8_0" },
];

/** What every architecture is asked for: padding, streams, windows, quantized rows, padded values. */
export const ARCHITECTURE_WORKLOADS: readonly AskedWorkload[] = [
  { contextTokens: 4096 },
  { contextTokens: 5000, sequences: 3 },
  { contextTokens: 5000, sequences: 3, unifiedCache: true },
  { contextTokens: 8192, fullSlidingWindowCache: true, microBatchTokens: 256 },
  { contextTokens: 8192, ...quantized("q8_0") },
  { contextTokens: 4096, flashAttention: "off" },
];

/** The same as flags of `ask`. */
export function engineFlags(workload: AskedWorkload): readonly string[] {
  const flags = ["-c", String(workload.contextTokens)];
  if (workload.sequences !== undefined) flags.push("-np", String(workload.sequences));
  if (workload.unifiedCache) flags.push("-kvu");
  if (workload.cacheTypeK !== undefined) flags.push("-ctk", workload.cacheTypeK);
  if (workload.cacheTypeV !== undefined) flags.push("-ctv", workload.cacheTypeV);
  if (workload.fullSlidingWindowCache) flags.push("--swa-full");
  if (workload.batchTokens !== undefined) flags.push("-b", String(workload.batchTokens));
  if (workload.microBatchTokens !== undefined) flags.push("-ub", String(workload.microBatchTokens));
  if (workload.flashAttention !== undefined) flags.push("-fa", workload.flashAttention);
  return flags;
}
