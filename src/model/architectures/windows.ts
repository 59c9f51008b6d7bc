import type { Keys } from "../keys.ts";
import type { AttentionWindow } from "../mixer.ts";

/** Which past tokens each layer sees, or, as a text, why the keys do not say. */
export type WindowRule = (keys: Keys) => (layer: number) => AttentionWindow | string;

const NONE: AttentionWindow = { kind: "none" };

/** Every layer sees everything, whatever the keys say of a window. */
export const noWindow: WindowRule = () => () => NONE;

/** The window that `attention.sliding_window` stands for, or, as a text, why it does not say. */
type WindowOf = (tokens: number | undefined) => AttentionWindow | string;

/** No window where the key is absent or 0. */
const optional: WindowOf = (tokens) => sliding(tokens);

/** llama.cpp refuses a file without the key. */
export const required: WindowOf = (tokens) =>
  tokens ? sliding(tokens) : `attention.sliding_window is ${tokens === undefined ? "not there" : tokens}`;

/**
 * `attention.sliding_window`, on the layers `attention.sliding_window_pattern` names: an array with an entry per
 * layer, or a period whose last layer (or first, with `denseFirst`) sees everything (0: none does).
 * https://github.com/ggml-org/llama.cpp/blob/v0.5.0/src/llama-hparams.cpp#L8
 */
export function ggufPattern(options: {
  readonly period: number;
  readonly denseFirst?: boolean;
  readonly window?: WindowOf;
}): WindowRule {
  return (keys) => {
    const window = ggufWindow(keys, options.window ?? optional);
    if (typeof window === "string") return () => window;
    const flags = keys.list(PATTERN);
    if (flags !== undefined) return (layer) => (flags[layer] ? window : NONE);
    const period = keys.integer(PATTERN) ?? options.period;
    const dense = options.denseFirst ? 0 : period - 1;
    return (layer) => (period === 0 || layer % period !== dense ? window : NONE);
  };
}

/** `attention.sliding_window` on the layers that the array `attention.sliding_window_pattern` marks; both must be there. */
export const ggufMarked: WindowRule = (keys) => {
  const window = ggufWindow(keys, required);
  if (typeof window === "string") return () => window;
  const flags = keys.list(PATTERN);
  if (flags === undefined) return () => `${PATTERN} has no entry per layer`;
  return (layer) => (flags[layer] ? window : NONE);
};

const PATTERN = "attention.sliding_window_pattern";

function ggufWindow(keys: Keys, windowOf: WindowOf): AttentionWindow | string {
  return windowOf(keys.integer("attention.sliding_window"));
}

/** `attention.sliding_window` on every layer, where it is there. */
export const ggufUniform: WindowRule = (keys) => {
  const window = sliding(keys.integer("attention.sliding_window"));
  return () => window;
};

/**
 * `sliding_window` on the layers `layer_types` names, else on those that `slides` picks.
 * https://github.com/huggingface/transformers/blob/v5.23.0/src/transformers/configuration_utils.py (ALLOWED_LAYER_TYPES)
 */
export function configWindow(slides: (keys: Keys) => (layer: number) => boolean): WindowRule {
  return (keys) => {
    const window = sliding(keys.integer("sliding_window"));
    const types = keys.words("layer_types");
    if (types !== undefined) return (layer) => windowOfType(types[layer], window, keys);
    const slidesAt = slides(keys);
    return (layer) => (slidesAt(layer) ? window : NONE);
  };
}

/** Every layer. */
export const everyLayer = () => (): boolean => true;

/** No layer. */
export const noLayer = () => (): boolean => false;

/** The last layer of each period sees everything, the others slide; the first name found gives the period. */
export function periodic(period: number, ...names: readonly string[]) {
  return (keys: Keys): ((layer: number) => boolean) => {
    const length = keys.integer(...names) ?? period;
    return (layer) => length === 0 || (layer + 1) % length !== 0;
  };
}

function windowOfType(type: string | undefined, window: AttentionWindow, keys: Keys): AttentionWindow | string {
  switch (type) {
    case "full_attention":
    case "attention":
      return NONE;
    case "sliding_attention":
      return window.kind === "none" ? "layer_types names sliding layers, sliding_window is not there" : window;
    case "chunked_attention": {
      const tokens = keys.integer("attention_chunk_size");
      return tokens
        ? { kind: "chunked", tokens }
        : "layer_types names chunked layers, attention_chunk_size is not there";
    }
    case undefined:
      return "layer_types has fewer entries than there are layers";
    default:
      return unknownType(type);
  }
}

/** Why a layer of this type is not known. */
export function unknownType(type: string): string {
  return `unknown layer type ${JSON.stringify(type.slice(0, 60))}`;
}

/** A window of so many tokens; none when absent or 0. */
export function sliding(tokens: number | undefined): AttentionWindow {
  return tokens ? { kind: "sliding", tokens } : NONE;
}
