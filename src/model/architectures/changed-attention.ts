import type { Keys } from "../keys.ts";
import type { AttentionMixer, Mixer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";

/** What becomes of an attention, or, as a text, why the keys do not say. */
type Change = (keys: Keys) => (mixer: AttentionMixer, layer: number) => Mixer | string;

/** The attention of a rule, changed; layers that mix otherwise stay as they are. */
export function whereAttention(rule: MixerRule, change: Change): MixerRule {
  return (keys) => {
    const mixerOf = rule(keys);
    const changeIt = change(keys);
    return (layer) => {
      const mixer = mixerOf(layer);
      return typeof mixer !== "string" && mixer.kind === "attention" ? changeIt(mixer, layer) : mixer;
    };
  };
}

type Sizes = { readonly [size in "heads" | "kvHeads" | "keyDim" | "valueDim"]?: number | undefined };

/** The same attention with sizes of its own; those that are undefined stay. */
export function resized(mixer: AttentionMixer, sizes: Sizes): AttentionMixer {
  return {
    ...mixer,
    heads: sizes.heads ?? mixer.heads,
    kvHeads: sizes.kvHeads ?? mixer.kvHeads,
    keyDim: sizes.keyDim ?? mixer.keyDim,
    valueDim: sizes.valueDim ?? mixer.valueDim,
  };
}
