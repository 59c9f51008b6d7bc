import type { Architecture, MixerRule } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { hybrid, withoutKvHeads } from "./hybrid-rules.ts";
import { ggufMamba } from "./recurrent-rules.ts";
import { noWindow } from "./windows.ts";

const attention = ggufAttention(noWindow);
const mamba2 = ggufMamba("mamba2");

/** Attention and mamba 2 side by side in every layer. */
const parallel: MixerRule = (keys) => {
  const attentionOf = attention(keys);
  const recurrentOf = mamba2(keys);
  return (layer) => {
    const [attending, recurrent] = [attentionOf(layer), recurrentOf(layer)];
    if (typeof attending === "string") return attending;
    if (typeof recurrent === "string") return recurrent;
    if (attending.kind !== "attention" || recurrent.kind !== "recurrent") return "a layer has no attention";
    return { kind: "parallel", attention: attending, recurrent };
  };
};

/** A layer is one thing: attention where it has key/value heads, feed-forward where it has a width, else mamba. */
const oneThing: MixerRule = (keys) => {
  const hasNoKvHeads = withoutKvHeads(keys);
  const width = keys.perLayer("feed_forward_length");
  const recurrentOf = mamba2(keys);
  const attentionOf = attention(keys);
  return (layer) => {
    if (width?.(layer) !== 0) return { kind: "none" };
    return hasNoKvHeads(layer) ? recurrentOf(layer) : attentionOf(layer);
  };
};

/** Mamba with layers of attention between or beside. */
export const mambaHybrids: Architecture = {
  gguf: [
    {
      names: ["jamba"],
      mixer: hybrid(withoutKvHeads, ggufMamba("mamba1"), attention),
      feedForward: ggufFeedForward(),
      expertLayersByTensors: true,
    },
    {
      names: ["granitehybrid", "plamo2"],
      mixer: hybrid(withoutKvHeads, mamba2, attention),
      feedForward: ggufFeedForward(),
    },
    { names: ["falcon-h1"], mixer: parallel, feedForward: ggufFeedForward() },
    {
      names: ["nemotron_h", "nemotron_h_moe"],
      mixer: oneThing,
      feedForward: ggufFeedForward({ someWithout: true }),
    },
  ],
  config: [],
};
