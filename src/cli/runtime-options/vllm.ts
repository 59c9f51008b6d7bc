import type { VllmWorkload } from "../../runtimes/vllm/workload.ts";
import { parseBytes, parseCount, parseFraction, parseIndex, parseTokens } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";
import { DTYPE, KV_CACHE_TYPE, PIPELINE_PARALLEL, TENSOR_PARALLEL } from "./shared.ts";

export const VLLM_OPTIONS: readonly RuntimeOption<keyof VllmWorkload>[] = [
  DTYPE,
  KV_CACHE_TYPE,
  {
    field: "gpuMemoryUtilization",
    flags: "--gpu-memory-utilization <share>",
    words: "share of the device that vLLM fills",
    parse: parseFraction,
  },
  {
    field: "availableCacheBytes",
    flags: "--kv-cache-memory-bytes <bytes>",
    words: "the pool on each device, with a unit",
    parse: parseBytes,
  },
  { field: "maxSequences", flags: "--max-num-seqs <count>", words: "requests in one step", parse: parseCount },
  {
    field: "maxBatchedTokens",
    flags: "--max-num-batched-tokens <n>",
    words: "tokens in one step",
    parse: parseTokens,
  },
  { field: "blockTokens", flags: "--block-size <tokens>", words: "tokens of a block", parse: parseCount },
  TENSOR_PARALLEL,
  PIPELINE_PARALLEL,
  {
    field: "dataParallel",
    flags: "--data-parallel-size <count>",
    aliases: ["-dp"],
    words: "copies that serve requests of their own",
    parse: parseCount,
  },
  {
    field: "expertParallel",
    flags: "--enable-expert-parallel",
    aliases: ["-ep"],
    words: "whole experts on each rank",
    gives: true,
  },
  {
    field: "speculativeTokens",
    flags: "--speculative-tokens <tokens>",
    words: "drafted by the model's own MTP layers",
    parse: parseIndex,
  },
  {
    field: "hybridManager",
    flags: "--whole-windows",
    aliases: ["--disable-hybrid-kv-cache-manager"],
    words: "windows are kept whole: --disable-hybrid-kv-cache-manager",
    gives: false,
  },
  {
    field: "prefixCaching",
    flags: "--enable-prefix-caching",
    words: "keep prefixes of past requests",
    gives: true,
  },
  { field: "enforceEager", flags: "--enforce-eager", words: "no CUDA graphs", gives: true },
];
