import type { Keys } from "../keys.ts";
import type { AttentionMixer, Compression, Indexer } from "../mixer.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { configAttention, missing } from "./attention-rules.ts";
import { whereAttention } from "./changed-attention.ts";
import { overlappingRows, separateRows } from "./compression-rules.ts";
import { configFeedForward as feedForward } from "./config-feed-forward.ts";
import { type LayerTypes, layerTypes } from "./config-layer-types.ts";
import { indexerBy } from "./indexer-rules.ts";
import { noWindow, sliding, unknownType } from "./windows.ts";

/** What a type of layer adds to a plain attention, or, as a text, why the keys do not say. */
type Additions = (keys: Keys) => ReadonlyMap<string, Partial<AttentionMixer> | string>;

/** Attention over all tokens, and what `layer_types` or `implied` makes of it in each layer. */
function typedAttention(implied: LayerTypes, additions: Additions): MixerRule {
  return whereAttention(configAttention(noWindow), (keys) => {
    const typeOf = layerTypes(implied)(keys);
    const added = additions(keys);
    return (mixer, layer) => {
      const type = typeOf(layer) ?? "";
      const own = added.get(type) ?? unknownType(type);
      return typeof own === "string" ? own : { ...mixer, ...own };
    };
  });
}

const NO_INDEXER = missing(["index_n_heads or index_head_dim"]);

/** configuration_deepseek_v4.py, `_COMPRESS_RATIO_TO_LAYER_TYPE`. */
const TYPE_OF_RATIO: ReadonlyMap<number | undefined, string> = new Map([
  [0, "sliding_attention"],
  [4, "compressed_sparse_attention"],
  [128, "heavily_compressed_attention"],
]);

/** Without ratios the first two layers are heavily compressed, and every other one after them. */
const compressedTypes: LayerTypes = (keys) => {
  const ratios = keys.list("compress_ratios");
  if (ratios !== undefined) return (layer) => TYPE_OF_RATIO.get(ratios[layer]);
  return (layer) => (layer > 2 && layer % 2 === 1 ? "compressed_sparse_attention" : "heavily_compressed_attention");
};

/** One head that is key and value at once, in a window, and beyond it rows that stand for many tokens. */
const compressed: MixerRule = typedAttention(compressedTypes, (keys) => {
  const keyDim = keys.integer("head_dim");
  const window = sliding(keys.integer("sliding_window"));
  if (!keyDim || window.kind === "none") {
    const why = missing(["head_dim or sliding_window"]);
    return new Map([...TYPE_OF_RATIO.values()].map((type) => [type, why]));
  }
  const one = { kvHeads: 1, window, sharedKeyValue: true as const };
  const separate = keys.integer("compress_rate_hca", "compress_rates.heavily_compressed_attention") ?? 128;
  const overlapping = keys.integer("compress_rate_csa", "compress_rates.compressed_sparse_attention") ?? 4;
  const indexer = indexerBy(keys, ["index_n_heads"], ["index_head_dim"]);
  const chosen: { compression: Compression; indexer: Indexer } | undefined = indexer && {
    compression: overlappingRows(overlapping, keyDim, indexer.keyDim),
    indexer,
  };
  return new Map<string, Partial<AttentionMixer> | string>([
    ["sliding_attention", one],
    ["heavily_compressed_attention", { ...one, compression: separateRows(separate, keyDim) }],
    ["compressed_sparse_attention", chosen ? { ...one, ...chosen } : NO_INDEXER],
  ]);
});

const sparseTypes: LayerTypes = (keys) => {
  const sparse = keys.list("sparse_attention_config.sparse_attention_freq");
  return (layer) => (sparse?.[layer] ? "minimax_m3_sparse" : "full_attention");
};

/** The older keys win over those of the class (configuration_minimax_m3_vl.py, MiniMaxM3VLTextConfig). */
const chosenBlocks: MixerRule = typedAttention(sparseTypes, (keys) => {
  const indexer = indexerBy(
    keys,
    ["sparse_attention_config.sparse_num_index_heads", "index_n_heads"],
    ["sparse_attention_config.sparse_index_dim", "index_head_dim"],
  );
  return new Map<string, Partial<AttentionMixer> | string>([
    ["full_attention", {}],
    ["minimax_m3_sparse", indexer ? { indexer } : NO_INDEXER],
  ]);
});

/** Decoders that read a choice of the past tokens, or rows that stand for several, by model_type. */
export const sparseDecoders: Architecture = {
  gguf: [],
  config: [
    { modelTypes: ["deepseek_v4", "deepseek_ref"], mixer: compressed, feedForward },
    { modelTypes: ["minimax_m3", "minimax_m3_vl", "minimax_m3_vl_text"], mixer: chosenBlocks, feedForward },
  ],
};
