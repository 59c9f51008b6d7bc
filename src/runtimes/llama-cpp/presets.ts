import { GIB } from "../binary-units.ts";
import type { Device } from "../device.ts";
import type { LlamaCppWorkload } from "./workload.ts";

type Asked = {
  readonly trainedContext: number | null;
  readonly devices: readonly Device[];
  readonly sequences: number;
};

/** Where the ways of starting llama.cpp differ. What a program does not set is llama.cpp's own default. */
type Preset = {
  /** Undefined: the trained context. */
  readonly contextTokens?: (asked: Asked) => number;
  readonly sequences: number;
  /** Where the number of sequences is not given: `--parallel` with a number leaves the caches apart. */
  readonly unifiedCache: boolean;
  readonly fullSlidingWindowCache: boolean;
  readonly batchTokens: number;
  readonly microBatchTokens: number;
  /** llama-server, in a process of its own or not: it asks for few outputs (`server_output_limits`). */
  readonly serves: boolean;
};

/** `common_params` (`common/common.h:446`), with which every tool starts. */
const TOOL: Preset = {
  sequences: 1,
  unifiedCache: false,
  fullSlidingWindowCache: false,
  batchTokens: 2048,
  microBatchTokens: 512,
  serves: false,
};

/**
 * Ollama's context by the memory of all GPUs (ollama/ollama v0.33.2, `server/routes.go:2046`), at most the trained one
 * (`llm/server.go`, "requested context size too large for model"); as much for each sequence.
 */
function ollamaContext({ trainedContext, devices, sequences }: Asked): number {
  const gpus = devices.filter(({ kind }) => kind !== "cpu");
  const bytes = gpus.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  const each = bytes >= 47 * GIB ? 262_144 : bytes >= 23 * GIB ? 32_768 : 4096;
  return Math.min(each, trainedContext ?? each) * sequences;
}

export const PRESETS: { readonly [preset in NonNullable<LlamaCppWorkload["preset"]>]: Preset } = {
  tool: TOOL,
  /** llama-cli 0.5.0 runs llama-server inside, with the one sequence of a tool (`tools/cli/cli-server.h:39`). */
  cli: { ...TOOL, serves: true },
  /** Without `--parallel` (`tools/server/server.cpp:156`). */
  server: { ...TOOL, sequences: 4, unifiedCache: true, serves: true },
  /** `llama_context_default_params` (`src/llama-context.cpp:3729`). */
  library: { ...TOOL, contextTokens: () => 512, fullSlidingWindowCache: true },
  /**
   * Starts llama-server with `-c`, `-np 1` and `-b 512 -ub 512` (ollama/ollama v0.33.3, `llm/llama_server.go`,
   * startLlamaServer and appendBatchArgs; `envconfig/config.go`, NumParallel). Types of the cache are not passed.
   */
  ollama: { ...TOOL, contextTokens: ollamaContext, batchTokens: 512, serves: true },
  /**
   * Closed source. Context: lmstudio-ai/lmstudio-bug-tracker issue 2174 (LM Studio 0.4.19: "Reset to Default");
   * sequences: lmstudio-ai/docs `0_app/5_advanced/parallel-requests.md` (commit 15ed698); batch:
   * lmstudio-ai/lmstudio-js `packages/lms-kv-config/src/schema.ts`, evalBatchSize (commit ce51121), which also has the
   * cache on the GPU in f16. Whether the cache is unified and how many outputs are kept is not known: as a tool.
   */
  "lm-studio": { ...TOOL, contextTokens: () => 4096, sequences: 4, batchTokens: 512 },
};
