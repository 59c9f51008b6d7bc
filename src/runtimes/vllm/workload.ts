import type { CommonWorkload } from "../common-workload.ts";

/**
 * What vLLM is asked to do. `contextTokens` is its `--max-model-len`, and `sequences` are requests of that length: what the
 * cache has to hold where no pool follows from the memory of the devices.
 *
 * @example
 * ```ts
 * import type { VllmWorkload } from "weighin";
 *
 * const workload: VllmWorkload = { runtime: "vllm", contextTokens: 4096, tensorParallel: 2 };
 * ```
 */
export type VllmWorkload = CommonWorkload & {
  readonly runtime: "vllm";
  /** Release of vLLM, e.g. `"0.20.2"`. Default: the one whose source the rules were read from. */
  readonly version?: string;
  /** `auto` (the default): what config.json says, float32 being run in bfloat16. */
  readonly dtype?: "auto" | "float32" | "float16" | "bfloat16";
  /** `--kv-cache-dtype`. `auto` (the default): the type the model runs in. */
  readonly kvCacheType?: KvCacheType;
  /** `--block-size`: tokens of a block. Default: the smallest that the attention kernels take, 16 for most. */
  readonly blockTokens?: number;
  /** Share of the device that vLLM may fill. Default 0.92; 0.9 before vLLM 0.20. */
  readonly gpuMemoryUtilization?: number;
  /** `--max-num-seqs`: requests in one step. Default by the memory of the device: 256, 1,024 from 70 GiB. */
  readonly maxSequences?: number;
  /** `--max-num-batched-tokens`: tokens in one step. Default by the memory of the device: 2,048, 8,192 from 70 GiB, 16,384 from 160 GiB. */
  readonly maxBatchedTokens?: number;
  /** GPUs that share each layer. Default 1. */
  readonly tensorParallel?: number;
  /** Stages, each with a run of layers. Default 1. */
  readonly pipelineParallel?: number;
  /** Copies that serve requests of their own; with `expertParallel` they share the experts. Default 1. */
  readonly dataParallel?: number;
  /** Experts are spread whole over all ranks of tensor and data parallelism. Default false. */
  readonly expertParallel?: boolean;
  /** `--kv-cache-memory-bytes`, or what vLLM logs as available: bytes of the pool on each device. Everything after it is exact. */
  readonly availableCacheBytes?: number;
  /** Tokens that the model's own MTP layers draft at each step. Default 0: those layers are not loaded. */
  readonly speculativeTokens?: number;
  /** False: `--disable-hybrid-kv-cache-manager`, windows are kept whole. Default true. */
  readonly hybridManager?: boolean;
  /** Keep prefixes of past requests. Default true, for models with a recurrence since vLLM 0.25. */
  readonly prefixCaching?: boolean;
  /** `--async-scheduling`: the next step is prepared while one runs, and its tokens are held too. Default true. */
  readonly asyncScheduling?: boolean;
  /** `--enforce-eager`: no CUDA graphs. Default false. */
  readonly enforceEager?: boolean;
};

export const KV_CACHE_TYPES = ["auto", "float16", "bfloat16", "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_ds_mla"] as const;

/** Types of keys and values; `fp8_ds_mla` is the packed one of DeepSeek's sparse attention. */
export type KvCacheType = (typeof KV_CACHE_TYPES)[number];
