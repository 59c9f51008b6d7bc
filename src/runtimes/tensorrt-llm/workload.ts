import type { CommonWorkload } from "../common-workload.ts";

/**
 * What TensorRT-LLM is asked to do, by its PyTorch backend. Options have the meaning of `trtllm-serve` and of `KvCacheConfig`.
 *
 * @example
 * ```ts
 * import type { TensorrtLlmWorkload } from "weighin";
 *
 * const workload: TensorrtLlmWorkload = { runtime: "tensorrt-llm", contextTokens: 4096, kvCacheType: "fp8" };
 * ```
 */
export type TensorrtLlmWorkload = CommonWorkload & {
  readonly runtime: "tensorrt-llm";
  /** `auto`: as config.json says (the default). Otherwise floating-point weights, and a cache of type `auto`, are converted. */
  readonly dtype?: "auto" | "float32" | "float16" | "bfloat16";
  /** `auto` (the default): the type a quantized checkpoint asks for, or the model's own. `nvfp4` adds a scale for every 16 elements. */
  readonly kvCacheType?: "auto" | "fp8" | "nvfp4";
  /** Tokens of a block of the cache, a power of two above 1. Default: 32. */
  readonly tokensPerBlock?: number;
  /** Share of the memory left beside weights, activations and the runtime itself that the pool takes. Default: 0.9. */
  readonly freeGpuMemoryFraction?: number;
  /** Tokens that the pool holds at most. Default: as many as there is room for. */
  readonly maxTokens?: number;
  /**
   * Tokens that layers keep, one number for each layer, repeated until all have one. Default: all tokens, in layers with a
   * sliding window too.
   */
  readonly maxAttentionWindow?: readonly number[];
  /**
   * Bytes of the cache on each GPU, as a log of the engine prints them ("Estimated max memory in KV cache"). Default: what
   * `freeGpuMemoryFraction` leaves of the devices' memory.
   */
  readonly availableCacheBytes?: number;
  /** Requests that run at once. A recurrence holds a state for each. Default: 2,048. */
  readonly maxBatchSize?: number;
  /** Tokens of one forward pass. Default: 8,192. */
  readonly maxNumTokens?: number;
  /** Beams of a request, each with blocks of its own. Default: 1. */
  readonly maxBeamWidth?: number;
  /** GPUs that share each layer. Default: 1. */
  readonly tensorParallel?: number;
  /** Stages, each with a run of layers. Default: 1. */
  readonly pipelineParallel?: number;
  /** Of the GPUs of a stage, over how many whole experts are spread (`moe_expert_parallel_size`). Default: 1. */
  readonly expertParallel?: number;
  /** Every GPU of a stage attends for requests of its own, with all heads (`enable_attention_dp`). Default: false. */
  readonly attentionDp?: boolean;
};
