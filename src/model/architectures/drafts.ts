import type { Architecture } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { ggufMarked, ggufUniform, noWindow, type WindowRule } from "./windows.ts";

/** Drafts for DeepSeek-V4, which have its hyper-connections, slide everywhere; others where the file marks it. */
const dflashWindow: WindowRule = (keys) => {
  if ((keys.integer("hyper_connection.count") ?? 0) > 0) return ggufUniform(keys);
  return (keys.integer("attention.sliding_window") ?? 0) > 0 ? ggufMarked(keys) : noWindow(keys);
};

/** Small models that draft tokens for a larger one. Their caches are their own. */
export const drafts: Architecture = {
  gguf: [
    { names: ["eagle3"], mixer: ggufAttention(noWindow), feedForward: ggufFeedForward() },
    { names: ["dflash"], mixer: ggufAttention(dflashWindow), feedForward: ggufFeedForward() },
  ],
  config: [],
};
