import type { TensorrtLlmWorkload } from "../../runtimes/tensorrt-llm/workload.ts";
import type { RuntimeOption } from "./runtime-option.ts";

export const TENSORRT_LLM_OPTIONS: readonly RuntimeOption<keyof TensorrtLlmWorkload>[] = [];
