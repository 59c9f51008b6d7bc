import type { AttentionMixer, LatentMixer, Mixer, RecurrentMixer } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import { headRanks, type Rank } from "./ranks.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

/** What one layer keeps of one token on one rank. */
export type CachedLayer = {
  readonly kind: "KV" | "latent";
  /** Elements of the cache's type. */
  readonly elements: number;
  /** Bytes of the indexer's key, which has a type of its own. */
  readonly indexerBytes: number;
};

/** Recurrences the engine keeps states for (`config_utils.py`, extract_mamba_kv_cache_params). */
const RECURRENCES: ReadonlySet<RecurrentMixer["family"]> = new Set([
  "mamba2",
  "gated-delta-net",
  "kimi-delta-attention",
]);

/** Whether the cache of a mixer is one of those read here; the rest have managers and layouts of their own. */
function isCounted(mixer: Mixer): boolean {
  if (mixer.kind === "recurrent") return RECURRENCES.has(mixer.family) && mixer.state.length === 2;
  if (mixer.kind === "latent") return mixer.attentions === undefined;
  if (mixer.kind !== "attention") return mixer.kind === "none";
  const { compression, indexer, passes, prefixTokens, readsTargetCache, sharedKeyValue } = mixer;
  return ![compression, indexer, passes, prefixTokens, readsTargetCache, sharedKeyValue].some(
    (each) => each !== undefined,
  );
}

/** Whether all layers' caches are known here. */
export function isCacheCounted(model: Model): boolean {
  const layers = model.layers.filter(({ mtp }) => mtp !== true);
  return layers.length > 0 && layers.every(({ mixer, cross }) => cross === undefined && isCounted(mixer));
}

/** The layers of a rank that cache tokens, in order; one that reads another's cache has blocks of its own all the same. */
export function cachedLayers(rank: Rank, settings: TensorrtLlmSettings): CachedLayer[] {
  return rank.layers.flatMap(({ mixer }) => {
    if (mixer.kind === "latent") return [latentLayer(mixer)];
    return mixer.kind === "attention" && mixer.causal ? [attentionLayer(mixer, headRanks(settings))] : [];
  });
}

/** Keys and values, both as wide as a key; a rank has at least one head (`resource_manager.py`, KVCacheManager). */
function attentionLayer({ kvHeads, keyDim }: AttentionMixer, heads: number): CachedLayer {
  return { kind: "KV", elements: 2 * Math.ceil(kvHeads / heads) * keyDim, indexerBytes: 0 };
}

/** One latent row for all heads, whole on every rank (`_util.py`, _create_kv_cache_manager: SELFKONLY). */
function latentLayer({ kvLoraRank, ropeDim, indexer }: LatentMixer): CachedLayer {
  return {
    kind: "latent",
    elements: kvLoraRank + ropeDim,
    indexerBytes: indexer === undefined ? 0 : indexerBytes(indexer.keyDim),
  };
}

/** FP8, and a 4-byte scale for every 128 (`sparse/dsa/cache_manager.py`, _get_indexer_k_cache_bytes_per_token). */
function indexerBytes(keyDim: number): number {
  return keyDim + Math.floor(keyDim / 128) * 4;
}
