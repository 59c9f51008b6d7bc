import type { TensorrtLlmWorkload } from "../../runtimes/tensorrt-llm/workload.ts";
import { parseCount, parseFraction, parseTokens } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";
import { DTYPE, KV_CACHE_TYPE, PIPELINE_PARALLEL, TENSOR_PARALLEL } from "./shared.ts";

/** `512,32768`: a window for each layer, repeated. */
function parseWindows(text: string): readonly number[] {
  return text.split(",").map(parseTokens);
}

export const TENSORRT_LLM_OPTIONS: readonly RuntimeOption<keyof TensorrtLlmWorkload>[] = [
  DTYPE,
  KV_CACHE_TYPE,
  {
    field: "tokensPerBlock",
    flags: "--tokens-per-block <tokens>",
    words: "tokens of a cache block",
    parse: parseCount,
  },
  {
    field: "freeGpuMemoryFraction",
    flags: "--free-gpu-memory-fraction <x>",
    aliases: ["--kv_cache_free_gpu_memory_fraction", "--free_gpu_memory_fraction"],
    words: "share of what is left for the pool",
    parse: parseFraction,
  },
  { field: "maxTokens", flags: "--max-tokens <tokens>", words: "tokens the pool holds at most", parse: parseTokens },
  {
    field: "maxAttentionWindow",
    flags: "--max-attention-window <list>",
    words: "tokens that each layer keeps, repeated",
    parse: parseWindows,
  },
  {
    field: "maxBatchSize",
    flags: "--max-batch-size <count>",
    aliases: ["--max_batch_size"],
    words: "requests that run at once",
    parse: parseCount,
  },
  {
    field: "maxNumTokens",
    flags: "--max-num-tokens <tokens>",
    aliases: ["--max_num_tokens"],
    words: "tokens of one pass",
    parse: parseTokens,
  },
  {
    field: "maxBeamWidth",
    flags: "--max-beam-width <count>",
    aliases: ["--max_beam_width"],
    words: "beams of a request",
    parse: parseCount,
  },
  TENSOR_PARALLEL,
  PIPELINE_PARALLEL,
  {
    field: "expertParallel",
    flags: "--moe-expert-parallel-size <n>",
    aliases: ["--ep_size"],
    words: "GPUs that hold whole experts",
    parse: parseCount,
  },
  {
    field: "attentionDp",
    flags: "--enable-attention-dp",
    words: "GPUs attend each for requests of their own",
    gives: true,
  },
];
