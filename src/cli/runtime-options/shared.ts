import { parseCount, parseTokens, parseWord } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";

/** Options that several runtimes have in common: one flag sets them all. */
export const DTYPE: RuntimeOption<"dtype"> = {
  field: "dtype",
  flags: "--dtype <type>",
  words: "auto (as stored), float32, float16, bfloat16",
  parse: parseWord(["auto", "float32", "float16", "bfloat16"]),
};

export const TENSOR_PARALLEL: RuntimeOption<"tensorParallel"> = {
  field: "tensorParallel",
  flags: "--tensor-parallel-size <n>",
  aliases: ["-tp", "--tp_size"],
  words: "GPUs that share each layer",
  parse: parseCount,
};

export const PIPELINE_PARALLEL: RuntimeOption<"pipelineParallel"> = {
  field: "pipelineParallel",
  flags: "--pipeline-parallel-size <n>",
  aliases: ["-pp", "--pp_size"],
  words: "stages, each with a run of layers",
  parse: parseCount,
};

export const ATTENTION: RuntimeOption<"attention"> = {
  field: "attention",
  flags: "--attn-implementation <kind>",
  words: "sdpa, eager or flash",
  parse: parseWord(["sdpa", "eager", "flash"]),
};

export const PROMPT_TOKENS: RuntimeOption<"promptTokens"> = {
  field: "promptTokens",
  flags: "--prompt-tokens <tokens>",
  words: "tokens given at once; of an encoder, tokens it makes of its input",
  parse: parseTokens,
};

/** Each engine has some of these. */
export const KV_CACHE_TYPE: RuntimeOption<"kvCacheType"> = {
  field: "kvCacheType",
  flags: "--kv-cache-dtype <type>",
  aliases: ["--kv_cache_dtype"],
  words: "auto, fp8; vllm: also its kinds, bfloat16; tensorrt-llm: nvfp4",
};
