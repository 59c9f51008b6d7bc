import type { Model } from "../../model/model.ts";
import type { Capacity, MemoryItem } from "../estimate.ts";
import { type CacheType, cacheTypeOf } from "./cache-type.ts";
import { type CachedLayer, cachedLayers, isCacheCounted } from "./cached-layers.ts";
import { type Pool, poolOf, requestBytes } from "./pool.ts";
import { type Rank, requestGroups } from "./ranks.ts";
import type { TensorrtLlmSettings } from "./settings.ts";
import { requestStates } from "./states.ts";
import { ENGINE } from "./version.ts";
import { tokenBytes } from "./windows.ts";

/** The cache of all ranks, and what it serves. */
export type CacheParts = {
  readonly items: readonly MemoryItem[];
  readonly perToken: number;
  readonly perSequence: number;
  /** Where the pool's size is known. */
  readonly capacity: Capacity | undefined;
};

/** What one rank keeps of requests. */
type RankCache = {
  readonly rank: Rank;
  readonly layers: readonly CachedLayer[];
  readonly states: { readonly layers: number; readonly bytes: number };
};

/** The pool where its size follows from the devices or the options, else what the sequences take; null where not known. */
export function cacheOf(
  model: Model,
  ranks: readonly Rank[],
  settings: TensorrtLlmSettings,
  beside: readonly MemoryItem[],
): CacheParts | null {
  if (!isCacheCounted(model)) return null;
  const type = cacheTypeOf(model, settings);
  const caches = ranks.map((rank) => ({
    rank,
    layers: cachedLayers(rank, settings),
    states: requestStates(model, rank, settings),
  }));
  const pools = poolBounds(caches, settings, type, beside);
  const slots = pools ? settings.maxBatchSize : Math.ceil(settings.sequences / requestGroups(settings));
  const blocks = pools ? poolItems(caches, pools, type) : sequenceItems(caches, settings, type, slots);
  // A request lies on the GPUs of every stage: all of them, or one of each.
  const serving = settings.attentionDp ? caches.filter(({ rank }) => rank.tensorRank === 0) : caches;
  return {
    items: [...blocks, ...caches.flatMap((cache) => stateItem(cache, slots))],
    perToken: serving.reduce((sum, { layers }) => sum + tokenBytes(layers, type), 0),
    perSequence: serving.reduce(
      (sum, { layers, states }) => sum + requestBytes(layers, type, settings) + states.bytes,
      0,
    ),
    capacity: pools && capacityOf(pools, settings),
  };
}

/** The pool as it should be, and with the most and the least beside it. */
type Bounds = { readonly pool: Pool; readonly low: Pool; readonly high: Pool };

function poolBounds(
  caches: readonly RankCache[],
  settings: TensorrtLlmSettings,
  type: CacheType,
  beside: readonly MemoryItem[],
): Bounds | undefined {
  const { availableCacheBytes, maxTokens, freeGpuMemoryFraction, maxBatchSize } = settings;
  if (caches.every(({ layers }) => layers.length === 0)) return undefined;
  const known = caches.every(({ rank }) => rank.device.memoryBytes !== undefined);
  if (!known && availableCacheBytes === undefined && maxTokens === undefined) return undefined;
  const roomBeside = (bytesOf: (item: MemoryItem) => number): number[] =>
    caches.map(({ rank: { device }, states }) => {
      const items = beside.filter((item) => item.device === device.name);
      const used = items.reduce((sum, item) => sum + bytesOf(item), 0) + states.bytes * maxBatchSize;
      return (device.memoryBytes ?? Number.POSITIVE_INFINITY) - used;
    });
  const poolIn = (roomBytes: readonly number[]): Pool => {
    // _util.py, KvCacheCreator._cal_max_memory.
    const budgets = roomBytes.map((room) => availableCacheBytes ?? Math.floor(room * freeGpuMemoryFraction));
    const ofRanks = caches.map(({ layers }) => layers);
    return poolOf(ofRanks, budgets, type, settings);
  };
  return {
    pool: poolIn(roomBeside(({ bytes }) => bytes)),
    low: poolIn(roomBeside(({ bytes, high = bytes }) => high)),
    high: poolIn(roomBeside(({ bytes, low = bytes }) => low)),
  };
}

function isFixed({ low, high }: Bounds): boolean {
  return low.blocks === high.blocks;
}

function poolItems(caches: readonly RankCache[], bounds: Bounds, type: CacheType): MemoryItem[] {
  return caches.flatMap(({ rank, layers }, index) => {
    if (layers.length === 0) return [];
    const [low = 0, high = 0] = [bounds.low.rankBytes[index], bounds.high.rankBytes[index]];
    return {
      component: "cache",
      label: `${kindOf(layers)} cache pool, ${bounds.pool.blocks} blocks x ${layerCount(layers)}, ${type.name}`,
      device: rank.device.name,
      bytes: bounds.pool.rankBytes[index] ?? 0,
      source: `${ENGINE} _util.py, KvCacheCreator; resource_manager.py, KVCacheManager.calculate_max_num_blocks`,
      ...(isFixed(bounds)
        ? { certainty: "derived" as const }
        : { certainty: "estimate" as const, low, high, fills: true as const }),
    };
  });
}

function sequenceItems(
  caches: readonly RankCache[],
  settings: TensorrtLlmSettings,
  type: CacheType,
  sequences: number,
): MemoryItem[] {
  const { contextTokens, maxAttentionWindow } = settings;
  const kept = maxAttentionWindow === undefined ? `${contextTokens} tokens` : "windows";
  return caches.flatMap(({ rank, layers }) => {
    if (layers.length === 0) return [];
    return {
      component: "cache",
      label: `${kindOf(layers)} cache, ${layerCount(layers)} x ${kept} x ${sequences}, ${type.name}`,
      device: rank.device.name,
      bytes: requestBytes(layers, type, settings) * sequences,
      certainty: "derived",
      source: `${ENGINE} resource_manager.py, KVCacheManager.get_cache_bytes_per_token`,
    };
  });
}

function kindOf(layers: readonly CachedLayer[]): string {
  return layers.every(({ kind }) => kind === "latent") ? "latent" : "KV";
}

function layerCount({ length }: readonly CachedLayer[]): string {
  return `${length} layer${length === 1 ? "" : "s"}`;
}

function stateItem({ rank, states }: RankCache, slots: number): MemoryItem[] {
  if (states.layers === 0) return [];
  return [
    {
      component: "cache",
      label: `recurrent state, ${states.layers} layer${states.layers === 1 ? "" : "s"} x ${slots} request${slots === 1 ? "" : "s"}`,
      device: rank.device.name,
      bytes: states.bytes * slots,
      certainty: "derived",
      source: `${ENGINE} mamba_cache_manager.py, PythonMambaCacheManager`,
    },
  ];
}

function capacityOf(bounds: Bounds, settings: TensorrtLlmSettings): Capacity {
  const { pool, low, high } = bounds;
  const groups = requestGroups(settings);
  return {
    poolBytes: pool.rankBytes[0] ?? 0,
    blocks: pool.blocks,
    tokens: pool.tokens,
    tokensAsOldLogs: pool.tokens,
    concurrency: pool.concurrency * groups,
    ...(isFixed(bounds)
      ? { certainty: "derived" as const }
      : { certainty: "estimate" as const, low: low.concurrency * groups, high: high.concurrency * groups }),
  };
}
