import type { Architecture } from "./architecture.ts";
import { ggufFeedForward, noFeedForward } from "./feed-forward-rules.ts";
import { ggufRwkv } from "./recurrent-rules.ts";

/** RWKV 6 and 7, whose two halves of a block both look one token back, and Qwen2 with one of their mixers. */
export const rwkv: Architecture = {
  gguf: [
    { names: ["rwkv6", "rwkv7"], mixer: ggufRwkv(2), feedForward: noFeedForward },
    { names: ["arwkv7", "rwkv6qwen2"], mixer: ggufRwkv(2), feedForward: ggufFeedForward() },
  ],
  config: [],
};
