import { InvalidArgumentError } from "commander";
import type { TensorrtLlmWorkload } from "../../runtimes/tensorrt-llm/workload.ts";
import { parseCount, parseTokens, parseWord } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";
import { DTYPE, PIPELINE_PARALLEL, TENSOR_PARALLEL } from "./shared.ts";

function parseFraction(text: string): number {
  const share = /^0?\.\d+$/.test(text) ? Number(text) : 0;
  if (share === 0) throw new InvalidArgumentError("Write a share above 0 and below 1: 0.9.");
  return share;
}

/** `512,32768`: a window for each layer, repeated. */
function parseWindows(text: string): readonly number[] {
  return text.split(",").map(parseTokens);
}

export const TENSORRT_LLM_OPTIONS: readonly RuntimeOption<keyof TensorrtLlmWorkload>[] = [
  DTYPE,
  {
    field: "kvCacheType",
    flags: "--kv-cache-dtype <type>",
    aliases: ["--kv_cache_dtype"],
    words: "auto, fp8, nvfp4",
    parse: parseWord(["auto", "fp8", "nvfp4"]),
  },
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
