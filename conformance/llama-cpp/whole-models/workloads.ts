import { ARCHITECTURE_WORKLOADS, type AskedWorkload } from "../workloads.ts";

/** What every whole model is asked for: the workloads of the keys, and those that leave more to go wrong. */
export const WHOLE_WORKLOADS: readonly AskedWorkload[] = [
  ...ARCHITECTURE_WORKLOADS,
  { contextTokens: 4096, flashAttention: "on" },
  { contextTokens: 8192, cacheTypeK: "q4_0", cacheTypeV: "q4_0" },
  { contextTokens: 8192, cacheTypeK: "q8_0" },
  { contextTokens: 8192, sequences: 4, unifiedCache: true },
  { contextTokens: 4096, sequences: 4, fullSlidingWindowCache: true, unifiedCache: true },
  { contextTokens: 8192, batchTokens: 2048, microBatchTokens: 1024 },
  { contextTokens: 200 },
  { contextTokens: 4096, sequences: 4 },
];
