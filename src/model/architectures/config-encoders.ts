import type { Architecture } from "./architecture.ts";
import { configAttention } from "./attention-rules.ts";
import { configFeedForward as feedForward } from "./config-feed-forward.ts";
import { configLayers, everyFirst } from "./config-layers.ts";
import { noWindow, type WindowRule } from "./windows.ts";

const bothWays = (window: WindowRule) => configAttention(window, { causal: false });

/** Encoders of transformers, by model_type: they look both ways and keep nothing between calls. */
export const configEncoders: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: [
        "albert big_bird camembert data2vec-text deberta deberta-v2 electra ernie esm esmc eurobert flaubert",
        "gte ibert jina_embeddings_v3 layoutlm longformer megatron-bert mpnet mra nomic_bert nystromformer",
        "rembert roberta-prelayernorm roc_bert roformer squeezebert tapas ultrabert xlm xlm-roberta-xl xmod yoso",
      ].flatMap((names) => names.split(" ")),
      mixer: bothWays(noWindow),
      feedForward,
      causal: false,
    },
    // Image encoders: they have patches, and no vocabulary.
    { modelTypes: ["vit"], mixer: bothWays(noWindow), feedForward, causal: false },
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
