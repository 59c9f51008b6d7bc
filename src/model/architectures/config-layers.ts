import type { Keys } from "../keys.ts";
import type { AttentionMixer, AttentionWindow, Mixer, RecurrentMixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";
import { configAttention, missing } from "./attention-rules.ts";
import type { WindowRule } from "./windows.ts";

/** The type of each layer in the words of `layer_types`; undefined where no such word is known. */
export type LayerTypes = (keys: Keys) => (layer: number) => string | undefined;

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

/** Older words for the same types (configuration_utils.py, `_LEGACY_LAYER_TYPE_REMAP`). */
const LEGACY_TYPES: ReadonlyMap<string, string> = new Map([
  ["mamba", "linear_attention"],
  ["attention", "full_attention"],
  ["deepseek_sparse_attention", "indexed_attention"],
  ["qwen_sparse_attention", "indexed_attention"],
]);

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

/** All slide when there is a window, else all are chunked when there is a chunk size (`get_layer_types_and_kwargs`). */
export const uniformTypes: LayerTypes = (keys) => {
  if (keys.integer("sliding_window") !== undefined) return () => "sliding_attention";
  return () => (keys.integer("attention_chunk_size") === undefined ? "full_attention" : "chunked_attention");
};

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
    const attend = attention(typedWindow(typeOf))(keys);
    const recur = linear?.(keys);
    const convolve = convolution?.(keys);
    const besideOf = beside?.(keys);
    return (layer) => {
      const type = typeOf(layer);
      if (type === undefined) return "no layer_types say what this layer is";
      if (NO_MIXER_TYPES.has(type)) return { kind: "none" };
      if (type === "linear_attention" && recur !== undefined) return recur(layer);
      if (type === "conv" && convolve !== undefined) return convolve(layer);
      if (!ATTENTION_TYPES.has(type)) return `unknown layer type ${JSON.stringify(type.slice(0, 60))}`;
      const mixer = ownSizes(attend(layer), layer, keys);
      if (!HYBRID_TYPES.has(type) || typeof mixer === "string" || mixer.kind !== "attention") return mixer;
      return besideRecurrence(mixer, besideOf ? besideOf(mixer) : recur?.(layer));
    };
  };
}

/** `layer_types`, its legacy words replaced, else what `implied` says. */
export function layerTypes(implied: LayerTypes): LayerTypes {
  return (keys) => {
    const types = keys.words("layer_types", "layers_block_type");
    if (types === undefined) return implied(keys);
    return (layer) => {
      const type = types[layer];
      return type === undefined ? undefined : (LEGACY_TYPES.get(type) ?? type);
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
function ownSizes(mixer: Mixer | string, layer: number, keys: Keys): Mixer | string {
  if (typeof mixer === "string" || mixer.kind !== "attention") return mixer;
  const own = (key: string): number | undefined => keys.integer(`per_layer_config.${layer}.${key}`);
  const dim = own("head_dim");
  return {
    ...mixer,
    heads: own("num_attention_heads") ?? mixer.heads,
    kvHeads: own("num_key_value_heads") ?? mixer.kvHeads,
    keyDim: dim ?? mixer.keyDim,
    valueDim: own("v_head_dim") ?? dim ?? mixer.valueDim,
  };
}

function besideRecurrence(attention: AttentionMixer, recurrent: Mixer | string | undefined): Mixer | string {
  if (typeof recurrent === "string") return recurrent;
  if (recurrent?.kind !== "recurrent") return "unknown layer type hybrid";
  return { kind: "parallel", attention, recurrent };
}

const [FULL, SLIDING] = ["full_attention", "sliding_attention"];

/** The layers that `isFull` picks see everything, the others are of type `others`. */
export function fullWhere(isFull: (layer: number, keys: Keys) => boolean, others: string = SLIDING): LayerTypes {
  return (keys) => (layer) => (isFull(layer, keys) ? FULL : others);
}

/** The last layer of each period sees everything; the first name found gives the period, 0 or null is none. */
export function everyNth(period: number, names: readonly string[] = [], others: string = SLIDING): LayerTypes {
  return (keys) => {
    const length = names.length === 0 ? period : (keys.integer(...names) ?? period);
    return (layer) => (length > 0 && (layer + 1) % length !== 0 ? others : FULL);
  };
}

/** The first layer of each period sees everything. */
export function everyFirst(period: number, names: readonly string[]): LayerTypes {
  return (keys) => {
    const length = keys.integer(...names) ?? period;
    return (layer) => (length > 0 && layer % length !== 0 ? SLIDING : FULL);
  };
}
