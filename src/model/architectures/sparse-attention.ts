import type { Keys } from "../keys.ts";
import type { Compression } from "../mixer.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { whereAttention } from "./changed-attention.ts";
import { overlappingRows, separateRows } from "./compression-rules.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { ggufIndexer, markedIndexers, withIndexer } from "./indexer-rules.ts";
import { ggufLatent, ggufLatentWithin } from "./latent-rules.ts";
import { everyLayer, ggufMarked, ggufPattern, noLayer, noWindow, required } from "./windows.ts";

/** Trained for a million tokens: GLM 5.2. */
const LONG_CONTEXT = 2 ** 20;

/**
 * Where the file does not say: every layer owns an indexer, from GLM 5.2 on the first two, then every fourth of 78
 * (GLM_5_2_DEFAULT_INDEXER_TYPES, https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/models/glm-dsa.cpp#L6).
 */
function glmIndexers(keys: Keys): (layer: number) => boolean {
  if ((keys.tokens("context_length") ?? 0) < LONG_CONTEXT) return () => true;
  return (layer) => layer < 2 || (layer < 78 && layer % 4 === 2);
}

/** A file of Hunyuan 4 without `top_k` attends everywhere. */
function hunyuanIndexers(keys: Keys): (layer: number) => boolean {
  return (keys.integer("attention.indexer.top_k") ?? 0) > 0 ? markedIndexers(noLayer)(keys) : () => false;
}

function afterLeadingDense(keys: Keys): (layer: number) => boolean {
  const first = keys.integer("leading_dense_block_count") ?? 0;
  return (layer) => layer >= first;
}

/** Heads that share one key and value per token, in a window, and beyond it rows that stand for many tokens. */
const compressed: MixerRule = whereAttention(ggufAttention(ggufPattern({ period: 0, window: required })), (keys) => {
  const ratios = keys.perLayer("attention.compress_ratios");
  const indexer = ggufIndexer(keys);
  return (mixer, layer) => {
    const ratio = ratios?.(layer);
    if (ratio === undefined) return "attention.compress_ratios has no entry for it";
    const shared = { ...mixer, sharedKeyValue: true as const };
    if (ratio === 0) return shared;
    const found = compressionOf(ratio, mixer.keyDim, indexer?.keyDim);
    if (found === undefined) return `a compression of ${ratio} is not known`;
    return { ...shared, compression: found, ...(ratio === OVERLAPPING && indexer ? { indexer } : {}) };
  };
});

/** An indexer chooses among rows of 4 tokens, which overlap. */
const OVERLAPPING = 4;
const SEPARATE = 128;

/** https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/llama-kv-cache-dsv4.cpp#L1305 */
function compressionOf(ratio: number, keyDim: number, indexDim: number | undefined): Compression | undefined {
  if (ratio === SEPARATE) return separateRows(ratio, keyDim);
  return ratio === OVERLAPPING && indexDim !== undefined ? overlappingRows(ratio, keyDim, indexDim) : undefined;
}

/** Attention that reads a choice of the past tokens, or of rows that stand for several. */
export const sparseAttention: Architecture = {
  gguf: [
    {
      names: ["deepseek32"],
      mixer: withIndexer(ggufLatent, everyLayer),
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
    {
      names: ["glm-dsa"],
      mixer: withIndexer(ggufLatent, markedIndexers(glmIndexers)),
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
    {
      names: ["hy_v4"],
      mixer: withIndexer(ggufLatent, hunyuanIndexers),
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
    {
      names: ["dots3note"],
      mixer: withIndexer(ggufLatentWithin(ggufMarked), markedIndexers(noLayer)),
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
    {
      names: ["minimax-m3"],
      mixer: withIndexer(ggufAttention(noWindow), afterLeadingDense),
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
    { names: ["deepseek4"], mixer: compressed, feedForward: ggufFeedForward() },
  ],
  config: [],
};
