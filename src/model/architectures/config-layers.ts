import type { Keys } from "../keys.ts";
import type { AttentionMixer, AttentionWindow, Mixer, RecurrentMixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import { configAttention, missing } from "./attention-rules.ts";
import { resized, whereAttention } from "./changed-attention.ts";
import type { AttentionChange } from "./config-heads.ts";
import { type LayerTypes, layerTypes, NO_TYPE, uniformTypes } from "./config-layer-types.ts";
import { unknownType, type WindowRule } from "./windows.ts";

/** Rules by type of layer. A type without a rule is unknown, never taken for another. */
export type TypedLayers = {
  /** What the configuration class fills `layer_types` in with; without it, `uniformTypes`. */
  readonly implied?: LayerTypes;
  /** Attention, with the window of the layer. Default: by the usual keys. */
  readonly attention?: (window: WindowRule) => MixerRule;
  readonly linear?: MixerRule;
  readonly convolution?: MixerRule;
  /** The recurrence of a hybrid layer, where it follows from the attention. Default: `linear`. */
  readonly beside?: (keys: Keys) => (attention: AttentionMixer) => RecurrentMixer | string;
};

/** Types whose layers attend, with the key of their window. */
const ATTENTION_TYPES: ReadonlyMap<string, "sliding_window" | "attention_chunk_size" | undefined> = new Map([
  ["full_attention", undefined],
  ["indexed_attention", undefined],
  ["hybrid", undefined],
  ["hybrid_sliding", "sliding_window"],
  ["sliding_attention", "sliding_window"],
  ["chunked_attention", "attention_chunk_size"],
]);

/** Attention with a recurrence beside it. */
const HYBRID_TYPES: ReadonlySet<string> = new Set(["hybrid", "hybrid_sliding"]);
/** They keep nothing (cache_utils.py, `get_layer_types_and_kwargs`). */
const NO_MIXER_TYPES: ReadonlySet<string> = new Set(["moe", "mlp"]);

/** The mixer of each layer by its type: `layer_types` of the configuration, else those its class fills in. */
export function configLayers({
  implied = uniformTypes,
  attention = configAttention,
  linear,
  convolution,
  beside,
}: TypedLayers): MixerRule {
  return (keys) => {
    const typeOf = layerTypes(implied)(keys);
    const attend = whereAttention(attention(typedWindow(typeOf)), ownSizes)(keys);
    const recur = linear?.(keys);
    const convolve = convolution?.(keys);
    const besideOf = beside?.(keys);
    return (layer) => {
      const type = typeOf(layer);
      if (type === undefined) return NO_TYPE;
      if (NO_MIXER_TYPES.has(type)) return { kind: "none" };
      if (type === "linear_attention" && recur !== undefined) return recur(layer);
      if (type === "conv" && convolve !== undefined) return convolve(layer);
      if (!ATTENTION_TYPES.has(type)) return unknownType(type);
      const mixer = attend(layer);
      if (!HYBRID_TYPES.has(type) || typeof mixer === "string" || mixer.kind !== "attention") return mixer;
      return besideRecurrence(mixer, besideOf ? besideOf(mixer) : recur?.(layer));
    };
  };
}

/** ModernBERT counts its window both ways, `sliding_window` one way (configuration_modernbert.py). */
function halfLocal(keys: Keys): number | undefined {
  const both = keys.integer("local_attention");
  return both === undefined ? undefined : Math.trunc(both / 2);
}

function typedWindow(typeOf: (layer: number) => string | undefined): WindowRule {
  return (keys) => (layer) => {
    const key = ATTENTION_TYPES.get(typeOf(layer) ?? "");
    if (key === undefined) return { kind: "none" };
    const tokens = keys.integer(key) ?? (key === "sliding_window" ? halfLocal(keys) : undefined);
    if (!tokens) return missing([key]);
    return { kind: key === "sliding_window" ? "sliding" : "chunked", tokens } satisfies AttentionWindow;
  };
}

/** What `per_layer_config` says of single layers (`heterogeneity` of transformers). */
const ownSizes: AttentionChange = (keys) => (mixer, layer) => {
  const own = (key: string): number | undefined => keys.integer(`per_layer_config.${layer}.${key}`);
  const keyDim = own("head_dim");
  return resized(mixer, {
    heads: own("num_attention_heads"),
    kvHeads: own("num_key_value_heads"),
    keyDim,
    valueDim: own("v_head_dim") ?? keyDim,
  });
};

function besideRecurrence(attention: AttentionMixer, recurrent: Mixer | string | undefined): Mixer | string {
  if (typeof recurrent === "string") return recurrent;
  if (recurrent?.kind !== "recurrent") return "unknown layer type hybrid";
  return { kind: "parallel", attention, recurrent };
}
