import type { AttentionMixer, LatentMixer, Mixer } from "../../model/mixer.ts";
import { attentionPart } from "../../model/mixer-parts.ts";

/** Row widths of one attention cache, in elements; `value` is 0 where the engine keeps keys only. */
export type CacheWidths = { readonly key: number; readonly value: number };

/** Undefined where the mixer keeps no keys: encoders, layers that reuse another's cache, recurrences. */
export function cacheWidths(mixer: Mixer): CacheWidths | undefined {
  const attention = attentionPart(mixer);
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
