import type { Keys } from "../keys.ts";

/** The type of each layer in the words of `layer_types`; undefined where no such word is known. */
export type LayerTypes = (keys: Keys) => (layer: number) => string | undefined;

/** Why the mixer of a layer without a type is not known. */
export const NO_TYPE = "no layer_types say what this layer is";

const [FULL, SLIDING] = ["full_attention", "sliding_attention"];

/** Older words for the same types (configuration_utils.py, `_LEGACY_LAYER_TYPE_REMAP`). */
const LEGACY_TYPES: ReadonlyMap<string, string> = new Map([
  ["mamba", "linear_attention"],
  ["attention", "full_attention"],
  ["deepseek_sparse_attention", "indexed_attention"],
  ["qwen_sparse_attention", "indexed_attention"],
]);

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

/** All slide when there is a window, else all are chunked when there is a chunk size (`get_layer_types_and_kwargs`). */
export const uniformTypes: LayerTypes = (keys) => {
  if (keys.integer("sliding_window") !== undefined) return () => "sliding_attention";
  return () => (keys.integer("attention_chunk_size") === undefined ? "full_attention" : "chunked_attention");
};

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

/** The same, and the last layer of all sees everything. */
export function andLast(types: LayerTypes): LayerTypes {
  return (keys) => {
    const typeOf = types(keys);
    const last = (keys.integer("num_hidden_layers") ?? 0) - 1;
    return (layer) => (layer === last ? FULL : typeOf(layer));
  };
}

/** The first layer of each period sees everything. */
export function everyFirst(period: number, names: readonly string[]): LayerTypes {
  return (keys) => {
    const length = keys.integer(...names) ?? period;
    return (layer) => (length > 0 && layer % length !== 0 ? SLIDING : FULL);
  };
}
