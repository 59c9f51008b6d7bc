import type { Keys } from "../keys.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { byInterval, hybrid, withoutKvHeads } from "./hybrid-rules.ts";
import { withIndexer } from "./indexer-rules.ts";
import { ggufLatent } from "./latent-rules.ts";
import { ggufKimiDelta, ggufLightning, ggufMamba } from "./recurrent-rules.ts";
import { noWindow } from "./windows.ts";

const attention = ggufAttention(noWindow);
const deltaNet = ggufMamba("gated-delta-net");

/** Qwen4 looks up n-grams in one of its recurrent layers, and holds the tokens that its convolution reaches back to. */
const deltaNetWithNgrams: MixerRule = (keys) => {
  const mixerOf = deltaNet(keys);
  const lookups = new Set(keys.list("ple.layers") ?? []);
  const columns = (keys.integer("ple.conv_kernel") ?? 1) - 1;
  const size = product(keys, ["ple.ngram_size", "hyper_connection.count", "embedding_length"]);
  return (layer) => {
    const mixer = mixerOf(layer);
    if (typeof mixer === "string" || mixer.kind !== "recurrent" || !lookups.has(layer)) return mixer;
    return { ...mixer, state: [...mixer.state, { name: "ngram", shape: [size, columns] }] };
  };
};

function product(keys: Keys, names: readonly string[]): number {
  return names.reduce((result, name) => result * (keys.integer(name) ?? 0), 1);
}

/** Recurrences of the linear-attention kind, with layers of attention between. */
export const linearAttention: Architecture = {
  gguf: [
    {
      names: ["qwen3next", "qwen35", "qwen35moe"],
      mixer: hybrid(byInterval(4), deltaNet, attention),
      feedForward: ggufFeedForward(),
    },
    {
      names: ["qwen4exp"],
      mixer: hybrid(
        byInterval(4),
        deltaNetWithNgrams,
        withIndexer(attention, () => () => true),
      ),
      feedForward: ggufFeedForward(),
    },
    {
      names: ["minimax-01"],
      mixer: hybrid(byInterval(8), ggufLightning, attention),
      feedForward: ggufFeedForward(),
    },
    {
      names: ["kimi-linear", "kimi-k3", "bailingmoe3"],
      mixer: hybrid(withoutKvHeads, ggufKimiDelta, ggufLatent),
      feedForward: ggufFeedForward({ leadingDense: true }),
    },
  ],
  config: [],
};
