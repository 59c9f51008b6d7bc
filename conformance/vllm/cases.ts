import type { VllmWorkload } from "../../src/runtimes/vllm/workload.ts";

type Options = Omit<VllmWorkload, "runtime" | "availableCacheBytes" | "contextTokens" | "maxBatchedTokens">;

/** One question: a model of `models.ts`, a workload, and pools for its cache. */
export type Case = {
  readonly model: string;
  readonly workload: Options & { readonly contextTokens: number; readonly maxBatchedTokens: number };
  readonly pools: readonly number[];
};

const GIB = 1024 ** 3;

/** A pool that few requests fill, one that is no multiple of anything, and one that cannot hold any. */
const POOLS = [40 * GIB, 7_654_321_987, 3_000_000];

function asked(model: string, contextTokens: number, options: Options = {}, maxBatchedTokens = 8192): Case {
  return { model, workload: { contextTokens, maxBatchedTokens, ...options }, pools: POOLS };
}

export const CASES: readonly Case[] = [
  asked("Llama-3.1-8B", 131_072),
  asked("Llama-3.1-8B", 8000, { tensorParallel: 2 }),
  asked("Llama-3.1-8B", 8192, { kvCacheType: "fp8" }),
  asked("Llama-3.1-8B", 8192, { blockTokens: 32 }),
  asked("Llama-3.1-8B", 8192, { pipelineParallel: 3 }),
  asked("Llama-3.1-8B", 8192, { dtype: "float16" }, 2048),
  asked("Llama-3.1-70B", 32_768, { tensorParallel: 8 }),
  asked("Llama-3.1-70B", 32_768, { tensorParallel: 4, pipelineParallel: 2 }),
  asked("Qwen3-0.6B", 4096),
  asked("Qwen3-0.6B", 4096, { tensorParallel: 8 }),
  asked("Qwen3-0.6B", 4096, { tensorParallel: 16 }),
  asked("Qwen3-14B", 40_960, { kvCacheType: "fp8", tensorParallel: 2 }),
  asked("Qwen3-30B-A3B", 40_960),
  asked("Qwen3-30B-A3B", 40_960, { tensorParallel: 8 }),
  asked("gpt-oss-20b", 131_072),
  asked("gpt-oss-120b", 131_072),
  asked("gpt-oss-120b", 131_072, { tensorParallel: 2, asyncScheduling: false }),
  asked("gpt-oss-120b", 131_072, { hybridManager: false }),
  asked("gemma-3-27b", 4096),
  asked("gemma-3-27b", 131_072, { asyncScheduling: false }),
  asked("gemma-3-27b", 131_072, { tensorParallel: 2 }, 2048),
  asked("gemma-3-27b", 131_072, { hybridManager: false }),
  asked("gemma-3-27b", 131_072, { tensorParallel: 8 }),
  asked("gemma-3-1b", 32_768),
  asked("gemma-3-27b", 131_072, { pipelineParallel: 2 }),
  asked("gemma-4-26B-A4B", 262_144),
  asked("gemma-4-26B-A4B", 131_072, { tensorParallel: 2 }),
  asked("Olmo-3.1-32B", 65_536),
  asked("Olmo-3.1-32B", 65_536, { kvCacheType: "fp8" }, 2048),
  asked("Llama-4-Scout", 131_072),
  asked("Llama-4-Scout", 1_048_576, { tensorParallel: 8 }),
  asked("Llama-4-Scout", 131_072, { hybridManager: false }),
  asked("DeepSeek-V2-Lite", 32_768),
  asked("DeepSeek-V2-Lite", 32_768, { tensorParallel: 2 }),
  asked("DeepSeek-V2-Lite", 32_768, { blockTokens: 64 }),
  asked("DeepSeek-V3", 163_840, { tensorParallel: 8 }),
  asked("DeepSeek-V3", 65_536, { tensorParallel: 8, blockTokens: 64, speculativeTokens: 1 }),
  asked("DeepSeek-V3.2", 163_840, { tensorParallel: 8 }),
  asked("DeepSeek-V3.2", 163_840, { tensorParallel: 8, kvCacheType: "fp8_ds_mla" }),
  asked("Qwen3-Next-80B-A3B", 262_144),
  asked("Qwen3-Next-80B-A3B", 262_144, { tensorParallel: 2 }),
  asked("Qwen3-Next-80B-A3B", 65_536, { tensorParallel: 8, kvCacheType: "fp8" }),
  asked("Qwen3-Next-80B-A3B", 65_536, { prefixCaching: false }),
  asked("Qwen3.6-27B", 262_144),
  asked("Qwen3.6-27B", 262_144, { tensorParallel: 2, kvCacheType: "fp8", speculativeTokens: 3 }),
  asked("Qwen3.6-27B", 32_768, { prefixCaching: false }),
  asked("Nemotron-H-56B", 8192),
  asked("Nemotron-H-56B", 8192, { tensorParallel: 8 }),
  asked("Nemotron-3-Nano-30B-A3B", 262_144),
  asked("Nemotron-3-Nano-30B-A3B", 262_144, { tensorParallel: 2, prefixCaching: false }),
  asked("LFM2-1.2B", 32_768),
  asked("LFM2-1.2B", 128_000, { tensorParallel: 2, prefixCaching: false }),
  asked("Kimi-K3", 131_072),
  asked("Kimi-K3", 1_048_576, { tensorParallel: 8 }),
  asked("Kimi-K3", 131_072, { tensorParallel: 8, prefixCaching: false, kvCacheType: "fp8" }),
  asked("whisper-tiny", 448),
  asked("whisper-tiny", 448, { tensorParallel: 2 }, 2048),
];
