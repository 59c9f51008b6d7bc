import type { Architecture } from "./architecture.ts";
import { bert } from "./bert.ts";
import { convolvedDecoders } from "./config-convolved.ts";
import { configDecoders } from "./config-decoders.ts";
import { encoderDecoders } from "./config-encoder-decoders.ts";
import { configEncoders } from "./config-encoders.ts";
import { configHybrids } from "./config-hybrids.ts";
import { latentDecoders } from "./config-latent.ts";
import { configMambaHybrids } from "./config-mamba-hybrids.ts";
import { configRecurrences } from "./config-recurrences.ts";
import { sparseDecoders } from "./config-sparse.ts";
import { windowedDecoders } from "./config-windowed.ts";
import { deepseek } from "./deepseek.ts";
import { drafts } from "./drafts.ts";
import { encoders } from "./encoders.ts";
import { gemma, gemma2, gemma3 } from "./gemma.ts";
import { gemmaSharedCache } from "./gemma-shared-cache.ts";
import { gptOss } from "./gpt-oss.ts";
import { lfm2 } from "./lfm2.ts";
import { linearAttention } from "./linear-attention.ts";
import { llama } from "./llama.ts";
import { looped } from "./looped.ts";
import { mamba } from "./mamba.ts";
import { mambaHybrids } from "./mamba-hybrids.ts";
import { mistral } from "./mistral.ts";
import { phi3 } from "./phi3.ts";
import { plainAttention } from "./plain-attention.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3 } from "./qwen3.ts";
import { remoteDecoders } from "./remote-decoders.ts";
import { rwkv } from "./rwkv.ts";
import { slidingAttention } from "./sliding-attention.ts";
import { sparseAttention } from "./sparse-attention.ts";

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
  encoders,
  plainAttention,
  slidingAttention,
  gemmaSharedCache,
  sparseAttention,
  mambaHybrids,
  linearAttention,
  rwkv,
  looped,
  drafts,
  configDecoders,
  windowedDecoders,
  latentDecoders,
  sparseDecoders,
  configHybrids,
  configMambaHybrids,
  convolvedDecoders,
  configRecurrences,
  configEncoders,
  encoderDecoders,
  remoteDecoders,
];

/** Rules of each `general.architecture`. */
export const GGUF_RULES: ReadonlyMap<string, Architecture["gguf"][number]> = new Map(
  ARCHITECTURES.flatMap(({ gguf }) => gguf.flatMap((rules) => rules.names.map((name) => [name, rules] as const))),
);

/** Rules of each `model_type`. */
export const CONFIG_RULES: ReadonlyMap<string, Architecture["config"][number]> = new Map(
  ARCHITECTURES.flatMap(({ config }) =>
    config.flatMap((rules) => rules.modelTypes.map((modelType) => [modelType, rules] as const)),
  ),
);
