import type { Keys } from "../keys.ts";
import type { Indexer } from "../mixer.ts";
import type { MixerRule } from "./architecture.ts";

/** Gives the layers that own one the indexer of the `attention.indexer.*` keys. */
export function withIndexer(rule: MixerRule, owns: (keys: Keys) => (layer: number) => boolean): MixerRule {
  return (keys) => {
    const mixerOf = rule(keys);
    const indexer = ggufIndexer(keys);
    const ownsOne = owns(keys);
    return (layer) => {
      const mixer = mixerOf(layer);
      if (indexer === undefined || typeof mixer === "string" || !ownsOne(layer)) return mixer;
      return mixer.kind === "attention" || mixer.kind === "latent" ? { ...mixer, indexer } : mixer;
    };
  };
}

/** The indexer that the keys describe; undefined where they describe none. */
export function ggufIndexer(keys: Keys): Indexer | undefined {
  return indexerBy(keys, ["attention.indexer.head_count"], ["attention.indexer.key_length"]);
}

/** An indexer by the keys of its heads and of their size, best first; undefined where either is not there. */
export function indexerBy(keys: Keys, headKeys: readonly string[], sizeKeys: readonly string[]): Indexer | undefined {
  const [heads, keyDim] = [keys.integer(...headKeys), keys.integer(...sizeKeys)];
  return heads && keyDim ? { heads, keyDim } : undefined;
}

/** Layers that `attention.indexer.types` marks with 1; without the key those that `otherwise` picks. */
export function markedIndexers(otherwise: (keys: Keys) => (layer: number) => boolean) {
  return (keys: Keys): ((layer: number) => boolean) => {
    const types = keys.perLayer("attention.indexer.types");
    return types === undefined ? otherwise(keys) : (layer) => (types(layer) ?? 0) !== 0;
  };
}
