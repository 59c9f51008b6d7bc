import type { ConfigDefaults } from "../config-keys.ts";
import type { FeedForward } from "../feed-forward.ts";
import type { Keys } from "../keys.ts";
import type { Mixer } from "../mixer.ts";

/** How each layer mixes tokens, or, as a text, why the keys do not say. */
export type MixerRule = (keys: Keys) => (layer: number) => Mixer | string;

/** The feed-forward part of each layer; undefined where the keys do not say. */
export type FeedForwardRule = (keys: Keys) => (layer: number) => FeedForward | undefined;

/** How layers follow from keys. */
export type LayerRules = {
  readonly mixer: MixerRule;
  readonly feedForward: FeedForwardRule;
  /** False for encoders. Default true. */
  readonly causal?: boolean;
};

/** One family: every name it goes by in either format, and how its layers follow from the keys of each. */
export type Architecture = {
  /** Values of `general.architecture`, with the rules llama.cpp applies to them. */
  readonly gguf: readonly (LayerRules & { readonly names: readonly string[] })[];
  /** Values of `model_type`, with the rules and class defaults of transformers. */
  readonly config: readonly (LayerRules & {
    readonly modelTypes: readonly string[];
    readonly defaults: ConfigDefaults;
  })[];
};
