import { parseCount, parseWord } from "../values.ts";
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
  flags: "--tensor-parallel-size <count>",
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
