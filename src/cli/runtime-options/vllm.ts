import type { VllmWorkload } from "../../runtimes/vllm/workload.ts";
import type { RuntimeOption } from "./runtime-option.ts";

export const VLLM_OPTIONS: readonly RuntimeOption<keyof VllmWorkload>[] = [];
