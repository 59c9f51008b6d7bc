import type { ConfigAliases } from "../config-keys.ts";
import type { FeedForward } from "../feed-forward.ts";
import type { Keys } from "../keys.ts";
import type { AttentionMixer, CrossMixer, Mixer } from "../mixer.ts";

/** How each layer mixes tokens, or, as a text, why the keys do not say. */
export type MixerRule = (keys: Keys) => (layer: number) => Mixer | string;

/** The feed-forward part of each layer; undefined where the keys do not say. */
export type FeedForwardRule = (keys: Keys) => (layer: number) => FeedForward | undefined;

/** How a decoder layer attends to the encoder's output, given how it attends to its own tokens. */
export type CrossRule = (keys: Keys) => (own: AttentionMixer) => CrossMixer;

/** How layers follow from keys. */
export type LayerRules = {
  readonly mixer: MixerRule;
  readonly feedForward: FeedForwardRule;
  /** False for encoders. Default true. */
  readonly causal?: boolean;
  /** An output is made of the embedding where none is stored. Default: what `causal` is here, whatever a file says. */
  readonly outputFromEmbedding?: boolean;
  /** Which layers have experts stands in the tensors alone: the keys describe those that do. */
  readonly expertLayersByTensors?: true;
  /** The layers are a decoder's: what they make of the encoder's output, and the keys that count its blocks. */
  readonly encoder?: { readonly cross: CrossRule; readonly layerCount: readonly string[] };
};

/** Rules of a GGUF architecture. */
export type GgufRules = LayerRules & {
  readonly names: readonly string[];
  /** Blocks the files hold, where `block_count` counts something else. */
  readonly blockCount?: (keys: Keys) => number | undefined;
};

/** One family: every name it goes by in either format, and how its layers follow from the keys of each. */
export type Architecture = {
  /** Values of `general.architecture`, with the rules llama.cpp applies to them. */
  readonly gguf: readonly GgufRules[];
  /** Values of `model_type`, with the rules of transformers. */
  readonly config: readonly (LayerRules & {
    readonly modelTypes: readonly string[];
    /** Other names of the keys, best first, before the aliases of the class: there, those of the encoder. */
    readonly aliases?: ConfigAliases;
    /** Blocks the files hold, where `num_hidden_layers` counts something else. */
    readonly blockCount?: (keys: Keys) => number | undefined;
  })[];
};
