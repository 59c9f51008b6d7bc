import type { Architecture } from "./architecture.ts";
import { bert } from "./bert.ts";
import { deepseek } from "./deepseek.ts";
import { gemma, gemma2, gemma3 } from "./gemma.ts";
import { gptOss } from "./gpt-oss.ts";
import { lfm2 } from "./lfm2.ts";
import { llama } from "./llama.ts";
import { mamba } from "./mamba.ts";
import { mistral } from "./mistral.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";

/** Every family whose layers follow from keys. */
export const ARCHITECTURES: readonly Architecture[] = [
  llama,
  mistral,
  qwen2,
  qwen3,
  gemma,
  gemma2,
  gemma3,
  phi3,
  gptOss,
  deepseek,
  mamba,
  lfm2,
  bert,
];

/** Rules of each `general.architecture`. */
export const GGUF_RULES: ReadonlyMap<string, Architecture["gguf"][number]> = new Map(
  ARCHITECTURES.flatMap(({ gguf }) => gguf.flatMap((rules) => rules.names.map((name) => [name, rules] as const))),
);

/** Rules and class defaults of each `model_type`. */
export const CONFIG_RULES: ReadonlyMap<string, Architecture["config"][number]> = new Map(
  ARCHITECTURES.flatMap(({ config }) =>
    config.flatMap((rules) => rules.modelTypes.map((modelType) => [modelType, rules] as const)),
  ),
);
