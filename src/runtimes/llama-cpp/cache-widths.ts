import type { AttentionMixer, LatentMixer, Mixer } from "../../model/mixer.ts";

/** Row widths of one attention cache, in elements; `value` is 0 where the engine keeps keys only. */
export type CacheWidths = { readonly key: number; readonly value: number };

/** The attention of a layer, also beside a recurrence. */
export function attentionOf(mixer: Mixer): AttentionMixer | LatentMixer | undefined {
  if (mixer.kind === "parallel") return mixer.attention;
  return mixer.kind === "attention" || mixer.kind === "latent" ? mixer : undefined;
}

/** Undefined where the mixer keeps no keys: encoders, layers that reuse another's cache, recurrences. */
export function cacheWidths(mixer: Mixer): CacheWidths | undefined {
  const attention = attentionOf(mixer);
  return attention?.kind === "latent" ? latentWidths(attention) : attention && attentionWidths(attention);
}

function attentionWidths(mixer: AttentionMixer): CacheWidths | undefined {
  if (!mixer.causal || mixer.sharesCacheWith !== undefined || mixer.readsTargetCache) return undefined;
  return { key: mixer.kvHeads * mixer.keyDim, value: mixer.sharedKeyValue ? 0 : mixer.kvHeads * mixer.valueDim };
}

/**
 * With split up-projections llama.cpp attends in latent space and caches one row of rank + rotary dims, keys only;
 * otherwise the expanded heads.
 */
function latentWidths(mixer: LatentMixer): CacheWidths {
  const { heads, kvLoraRank, nopeDim, ropeDim, valueDim } = mixer;
  return mixer.upProjection === "absorbed"
    ? { key: kvLoraRank + ropeDim, value: 0 }
    : { key: heads * (nopeDim + ropeDim), value: heads * valueDim };
}
