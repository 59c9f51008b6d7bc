import type { Keys } from "../keys.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { missing } from "./attention-rules.ts";
import { configFeedForward as feedForward, leadingDense } from "./config-feed-forward.ts";
import { fullWhere, type LayerTypes, layerTypes, NO_TYPE } from "./config-layer-types.ts";
import { indexerBy } from "./indexer-rules.ts";
import { configLatent, configLatentValued, latent } from "./latent-rules.ts";

const FULL = "full_attention";
const INDEXED = "indexed_attention";

/**
 * Latent attention, with an indexer in layers of that type. Of those, layers whose `indexer_types` is `shared` read the
 * choice of an earlier one and keep no index keys.
 */
function configIndexedLatent(implied: LayerTypes): MixerRule {
  return (keys) => {
    const latent = configLatent(keys);
    const typeOf = layerTypes(implied)(keys);
    const indexers = keys.words("indexer_types");
    const indexer = indexerBy(keys, ["index_n_heads"], ["index_head_dim"]);
    return (layer) => {
      const mixer = latent(layer);
      if (typeof mixer === "string" || mixer.kind !== "latent") return mixer;
      if (typeOf(layer) !== INDEXED || indexers?.[layer] === "shared") return mixer;
      return indexer ? { ...mixer, indexer } : missing(["index_n_heads or index_head_dim"]);
    };
  };
}

/** What sliding layers have in place of a key, where neither `per_layer_config` nor an `swa_` key says (configuration_dots3_note.py). */
const SLIDING_SIZES: ReadonlyMap<string, number> = new Map([
  ["num_attention_heads", 64],
  ["kv_lora_rank", 1024],
  ["head_dim", 256],
  ["qk_nope_head_dim", 192],
  ["v_head_dim", 128],
]);

const noteTypes = fullWhere((layer, keys) => keys.flag("use_sliding_window") === false || layer < 2 || layer % 4 === 1);

/** Latent attention in two sizes: with a window, or over everything by an indexer (Dots 3 Note). */
const latentInTwoSizes: MixerRule = (keys) => {
  const typeOf = layerTypes(noteTypes)(keys);
  const window = keys.integer("sliding_window", "sliding_window_size") ?? 512;
  const indexed = keys.flag("use_dsa") !== false;
  const slidingSize = (layer: number, name: string): number | undefined =>
    keys.integer(`per_layer_config.${layer}.${name}`, `swa_${name}`) ?? SLIDING_SIZES.get(name);
  const fullOf = configIndexedLatent(() => () => (indexed ? INDEXED : FULL))(keys);
  return (layer) => {
    const type = typeOf(layer);
    if (type === FULL || type === INDEXED) return fullOf(layer);
    if (type !== "sliding_attention") return NO_TYPE;
    const size = (name: string) => slidingSize(layer, name);
    const nopeDim = size("qk_nope_head_dim");
    const rest = nopeDim === undefined ? undefined : (size("head_dim") ?? 0) - nopeDim;
    const ropeDim = size("qk_rope_head_dim") ?? rest;
    const mixer = latent(
      size("num_attention_heads"),
      size("kv_lora_rank"),
      ropeDim,
      nopeDim,
      size("v_head_dim"),
      "joint",
    );
    return typeof mixer === "string" ? mixer : { ...mixer, window: { kind: "sliding", tokens: window } };
  };
};

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
    { modelTypes: ["dots3_note_text", "dots3_note"], mixer: latentInTwoSizes, feedForward: leadingDense(1) },
  ],
};
