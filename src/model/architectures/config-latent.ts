import type { Keys } from "../keys.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { configFeedForward as feedForward, leadingDense } from "./config-feed-forward.ts";
import { fullWhere, type LayerTypes, layerTypes } from "./config-layers.ts";
import { configLatent, configLatentValued } from "./latent-rules.ts";

const INDEXED = "indexed_attention";

/**
 * Latent attention, with an indexer in layers of that type. Of those, layers whose `indexer_types` is `shared` read the
 * choice of an earlier one and keep no index keys.
 */
export function configIndexedLatent(implied: LayerTypes): MixerRule {
  return (keys) => {
    const latent = configLatent(keys);
    const typeOf = layerTypes(implied)(keys);
    const indexers = keys.words("indexer_types");
    const heads = keys.integer("index_n_heads");
    const keyDim = keys.integer("index_head_dim");
    return (layer) => {
      const mixer = latent(layer);
      if (typeof mixer === "string" || mixer.kind !== "latent") return mixer;
      if (typeOf(layer) !== INDEXED || indexers?.[layer] === "shared") return mixer;
      return heads && keyDim
        ? { ...mixer, indexer: { heads, keyDim } }
        : "index_n_heads or index_head_dim is not there";
    };
  };
}

/** Two latent attentions in each layer (modeling_longcat_flash.py, LongcatFlashDecoderLayer). */
function twice(rule: MixerRule): MixerRule {
  return (keys) => {
    const mixerOf = rule(keys);
    return (layer) => {
      const mixer = mixerOf(layer);
      return typeof mixer !== "string" && mixer.kind === "latent" ? { ...mixer, attentions: 2 } : mixer;
    };
  };
}

/** MiniCPM3Config, __post_init__. */
function hiddenPerHead(keys: Keys): number | undefined {
  const hidden = keys.integer("hidden_size");
  const heads = keys.integer("num_attention_heads");
  return hidden && heads ? Math.trunc(hidden / heads) : undefined;
}

/** Decoders with multi-head latent attention, by model_type. */
export const latentDecoders: Architecture = {
  gguf: [],
  config: [
    { modelTypes: ["minicpm3"], mixer: configLatentValued(hiddenPerHead), feedForward },
    { modelTypes: ["longcat_flash"], mixer: twice(configLatent), feedForward },
    { modelTypes: ["youtu", "mistral4"], mixer: configLatent, feedForward },
    { modelTypes: ["glm4_moe_lite", "axk1"], mixer: configLatent, feedForward: leadingDense(1) },
    {
      modelTypes: ["deepseek_v32", "glm_moe_dsa", "axk2", "hy_v4"],
      mixer: configIndexedLatent(fullWhere(() => false, INDEXED)),
      feedForward: leadingDense(1),
    },
  ],
};
