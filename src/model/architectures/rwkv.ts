import type { StateTensor } from "../mixer.ts";
import type { Architecture, FeedForwardRule, MixerRule } from "./architecture.ts";
import { missing } from "./attention-rules.ts";
import { configFeedForward } from "./config-feed-forward.ts";
import { ggufFeedForward, noFeedForward } from "./feed-forward-rules.ts";
import { ggufRwkv } from "./recurrent-rules.ts";

/** Both halves of a block look one token back; the state of the time mix is float32. */
function configRwkv(timeMix: (hidden: number, headSize: number) => StateTensor): MixerRule {
  return (keys) => {
    const hidden = keys.integer("hidden_size");
    const headSize = keys.integer("head_size") ?? 64;
    if (!hidden) return () => missing(["hidden_size"]);
    const state: readonly StateTensor[] = [{ name: "shift", shape: [2, hidden] }, timeMix(hidden, headSize)];
    return () => ({ kind: "recurrent", family: "rwkv", state });
  };
}

/** A numerator, a denominator and a maximum per channel (modeling_rwkv.py, RwkvModel.forward). */
const rwkv4 = configRwkv((hidden) => ({ name: "linear", shape: [3, hidden] }));

/** A matrix per head (modeling_rwkv5.py, Rwkv5Model.forward). */
const rwkv5 = configRwkv((hidden, headSize) => ({ name: "linear", shape: [hidden, headSize] }));

/** Where no width is given it is 3.5 times the hidden size, in multiples of 32 (modeling_rwkv5.py, RwkvFeedForward). */
const rwkv5FeedForward: FeedForwardRule = (keys) => {
  const hidden = keys.integer("hidden_size") ?? 0;
  const width = keys.integer("intermediate_size") ?? Math.trunc((hidden * 3.5) / 32) * 32;
  return () => ({ kind: "dense", intermediateSize: width });
};

/** RWKV: both halves of a block look one token back, and nothing grows. Qwen2 with one of its mixers besides. */
export const rwkv: Architecture = {
  gguf: [
    { names: ["rwkv6", "rwkv7"], mixer: ggufRwkv(2), feedForward: noFeedForward },
    { names: ["arwkv7", "rwkv6qwen2"], mixer: ggufRwkv(2), feedForward: ggufFeedForward() },
  ],
  config: [
    { modelTypes: ["rwkv"], mixer: rwkv4, feedForward: configFeedForward },
    { modelTypes: ["rwkv5"], mixer: rwkv5, feedForward: rwkv5FeedForward },
  ],
};
