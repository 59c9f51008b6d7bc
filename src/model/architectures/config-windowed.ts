import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { besideOneExpert, configFeedForward as feedForward, leadingDense } from "./config-feed-forward.ts";
import { changedAttention, globalHeads, sharedTail, windowHeads } from "./config-heads.ts";
import { andLast, everyFirst, everyNth, fullWhere } from "./config-layer-types.ts";
import { configLayers } from "./config-layers.ts";

/** Layers that `no_rope_layers` does not mark with 0; without entries all but every n-th (configuration_llama4.py). */
function rotatedLayers(keys: Keys): (layer: number) => boolean {
  const marks = keys.list("no_rope_layers");
  const interval = keys.integer("no_rope_layer_interval") ?? 4;
  return (layer) => (marks?.length ? marks[layer] !== 0 : (layer + 1) % interval !== 0);
}

/** Decoders of transformers whose layers do not all see alike. `implied`: what the class fills in where `layer_types` is not there. */
export const windowedDecoders: Architecture = {
  gguf: [],
  config: [
    {
      modelTypes: ["afmoe"],
      mixer: configLayers({ implied: everyNth(4, ["global_attn_every_n_layers"]) }),
      feedForward,
    },
    {
      modelTypes: ["olmo3", "cohere2", "cohere2_moe"],
      mixer: configLayers({ implied: everyNth(4, ["sliding_window_pattern"]) }),
      feedForward,
    },
    {
      modelTypes: ["exaone4", "exaone_moe"],
      mixer: configLayers({
        implied: (keys) =>
          keys.integer("sliding_window") === undefined
            ? () => "full_attention"
            : everyNth(4, ["sliding_window_pattern"])(keys),
      }),
      feedForward,
    },
    {
      modelTypes: ["mellum", "cohere_compass_text", "cohere_compass"],
      mixer: configLayers({ implied: fullWhere(() => true) }),
      feedForward,
    },
    {
      modelTypes: ["laguna", "hy_v3"],
      mixer: configLayers({ implied: fullWhere(() => true) }),
      feedForward: leadingDense(1),
    },
    {
      modelTypes: ["modernbert-decoder"],
      mixer: configLayers({ implied: everyFirst(3, ["global_attn_every_n_layers"]) }),
      feedForward,
    },
    { modelTypes: ["vaultgemma"], mixer: configLayers({ implied: everyNth(2) }), feedForward },
    { modelTypes: ["kolibri1"], mixer: configLayers({ implied: everyNth(5) }), feedForward },
    {
      modelTypes: ["cwm", "granite_swa", "granitemoe_swa"],
      mixer: configLayers({ implied: fullWhere((layer) => layer % 4 === 0) }),
      feedForward,
    },
    {
      modelTypes: ["flint"],
      mixer: configLayers({
        implied: andLast(fullWhere((layer) => layer < 2 || layer % 4 === 1)),
      }),
      feedForward: leadingDense(2),
    },
    {
      modelTypes: ["muse_spark_text", "muse_glimmer_text"],
      mixer: configLayers({
        // Counted from the last layer, which sees everything.
        implied: fullWhere((layer, keys) => ((keys.integer("num_hidden_layers") ?? 0) - 1 - layer) % 4 === 0),
      }),
      feedForward,
    },
    {
      modelTypes: ["beam"],
      mixer: configLayers({
        implied: andLast(everyNth(6)),
      }),
      feedForward: leadingDense(3),
    },
    {
      modelTypes: ["smollm3"],
      mixer: configLayers({
        implied: (keys) => {
          const slides = keys.flag("use_sliding_window") === true && keys.integer("sliding_window") !== undefined;
          const rotates = rotatedLayers(keys);
          return (layer) => (slides && !rotates(layer) ? "sliding_attention" : "full_attention");
        },
      }),
      feedForward,
    },
    {
      modelTypes: ["dots1", "ministral", "qwen2_vl_text", "qwen2_vl", "qwen2_5_vl_text", "qwen2_5_vl"],
      mixer: configLayers({
        implied: (keys) => {
          const enabled = keys.flag("use_sliding_window") !== false && keys.integer("sliding_window") !== undefined;
          const from = keys.integer("max_window_layers") ?? 0;
          return (layer) => (enabled && layer >= from ? "sliding_attention" : "full_attention");
        },
      }),
      feedForward,
    },
    {
      modelTypes: ["llama4_text", "llama4"],
      mixer: configLayers({
        implied: (keys) => {
          const rotates = rotatedLayers(keys);
          return (layer) => (rotates(layer) ? "chunked_attention" : "full_attention");
        },
      }),
      feedForward: besideOneExpert,
    },
    {
      modelTypes: ["mimo_v2_flash"],
      mixer: configLayers({
        implied: fullWhere((layer) => layer === 0 || (layer + 1) % 6 === 0),
        attention: changedAttention(windowHeads),
      }),
      feedForward: leadingDense(1),
    },
    {
      modelTypes: ["gemma3n_text", "gemma3n"],
      mixer: sharedTail(configLayers({ implied: everyNth(5) })),
      feedForward,
    },
    {
      modelTypes: ["gemma4_text", "gemma4", "gemma4_unified_text", "gemma4_unified"],
      mixer: sharedTail(
        configLayers({
          implied: andLast(everyNth(6)),
          attention: changedAttention(globalHeads),
        }),
      ),
      feedForward,
    },
  ],
};
