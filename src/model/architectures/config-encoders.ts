import type { Architecture, MixerRule } from "./architecture.ts";
import { configAttention } from "./attention-rules.ts";
import { whereAttention } from "./changed-attention.ts";
import { configFeedForward as feedForward } from "./config-feed-forward.ts";
import { type AttentionChange, changedAttention } from "./config-heads.ts";
import { everyFirst } from "./config-layer-types.ts";
import { configLayers } from "./config-layers.ts";
import { noWindow, type WindowRule } from "./windows.ts";

const bothWays = (window: WindowRule) => configAttention(window, { causal: false });

/** Half of each head is a convolution, and there are fewer of them (modeling_convbert.py, ConvBertSelfAttention). */
const halvedHeads: AttentionChange = (keys) => {
  const hidden = keys.integer("hidden_size") ?? 0;
  const ratio = keys.integer("head_ratio") ?? 1;
  return (mixer) => {
    const heads = Math.max(1, Math.trunc(mixer.heads / ratio));
    const dim = Math.trunc(hidden / heads / 2);
    return { ...mixer, heads, kvHeads: heads, keyDim: dim, valueDim: dim };
  };
};

/** The heads share a bottleneck narrower than the hidden size (configuration_mobilebert.py, `true_hidden_size`). */
const bottleneckHeads: AttentionChange = (keys) => {
  const narrow = keys.flag("use_bottleneck") === false ? undefined : keys.integer("intra_bottleneck_size");
  return (mixer) => {
    const dim = narrow === undefined ? mixer.keyDim : Math.trunc(narrow / mixer.heads);
    return { ...mixer, keyDim: dim, valueDim: dim };
  };
};

function bothWaysChanged(change: AttentionChange): MixerRule {
  return whereAttention(changedAttention(change)(noWindow), () => (mixer) => ({ ...mixer, causal: false }));
}

/** Encoders of transformers, by model_type: they look both ways and keep nothing between calls. */
export const configEncoders: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: [
        "albert big_bird camembert data2vec-text deberta deberta-v2 electra ernie esm esmc eurobert flaubert",
        "gte ibert jina_embeddings_v3 layoutlm longformer luke megatron-bert mpnet mra nomic_bert nystromformer",
        "rembert roberta-prelayernorm roc_bert roformer squeezebert tapas ultrabert xlm xlm-roberta-xl xmod yoso",
      ].flatMap((names) => names.split(" ")),
      mixer: bothWays(noWindow),
      feedForward,
      causal: false,
    },
    // Image encoders: they have patches, and no vocabulary.
    { modelTypes: ["vit"], mixer: bothWays(noWindow), feedForward, causal: false },
    { modelTypes: ["convbert"], mixer: bothWaysChanged(halvedHeads), feedForward, causal: false },
    { modelTypes: ["mobilebert"], mixer: bothWaysChanged(bottleneckHeads), feedForward, causal: false },
    // Fourier transforms instead of attention.
    { modelTypes: ["fnet"], mixer: () => () => ({ kind: "none" }), feedForward, causal: false },
    {
      modelTypes: ["modernbert", "neomme"],
      mixer: configLayers({ implied: everyFirst(3, ["global_attn_every_n_layers"]), attention: bothWays }),
      feedForward,
      causal: false,
    },
  ],
};
