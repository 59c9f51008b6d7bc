import type { Keys } from "../keys.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { whereAttention } from "./changed-attention.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { ggufMarked, ggufPattern, required } from "./windows.ts";

/**
 * From `first(keys)` on, layers reuse a cache: those with a window that of the last but one layer before, the others
 * that of the last. https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/llama-model.cpp#L2654
 */
function sharedTail(rule: MixerRule, first: (keys: Keys) => number): MixerRule {
  return whereAttention(rule, (keys) => {
    const from = first(keys);
    return (mixer, layer) =>
      layer < from ? mixer : { ...mixer, sharesCacheWith: from - (mixer.window.kind === "none" ? 1 : 2) };
  });
}

/** Drafts for Gemma 4 attend over its caches. */
const readingTarget: MixerRule = whereAttention(ggufAttention(ggufMarked), () => (mixer) => ({
  ...mixer,
  readsTargetCache: true,
}));

/** Gemma 3n and 4: the last layers have queries alone. */
export const gemmaSharedCache: Architecture = {
  gguf: [
    {
      names: ["gemma3n"],
      // llama.cpp has the number in its source (src/models/gemma3n.cpp).
      mixer: sharedTail(ggufAttention(ggufPattern({ period: 5, window: required })), () => 20),
      feedForward: ggufFeedForward(),
    },
    {
      names: ["gemma4"],
      mixer: sharedTail(
        ggufAttention(ggufMarked),
        (keys) => (keys.integer("block_count") ?? 0) - (keys.integer("attention.shared_kv_layers") ?? 0),
      ),
      feedForward: ggufFeedForward(),
    },
    { names: ["gemma4-assistant"], mixer: readingTarget, feedForward: ggufFeedForward() },
  ],
  config: [],
};
