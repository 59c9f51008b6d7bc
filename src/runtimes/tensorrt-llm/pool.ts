import type { CacheType } from "./cache-type.ts";
import type { CachedLayer } from "./cached-layers.ts";
import type { TensorrtLlmSettings } from "./settings.ts";
import { fittedGroups, requestBlocks, tokenBytes, type WindowGroup, windowGroups } from "./windows.ts";

/** What the ranks hold in their pools, which have equally many blocks. */
export type Pool = {
  /** Bytes of each rank's pool, whole blocks. */
  readonly rankBytes: readonly number[];
  readonly blocks: number;
  /** Tokens it holds, with requests as long as the context. */
  readonly tokens: number;
  /** Requests as long as the context that one group of GPUs holds at once. */
  readonly concurrency: number;
};

/** The pools of one rank, one for each window. */
type RankPools = {
  readonly pools: readonly (WindowGroup & { readonly blocks: number })[];
  /** Windows as asked for, which are cut where the memory does not hold one request. */
  readonly windows: readonly number[];
};

/**
 * Blocks that fit the memory of every rank: `budgets` are bytes, one for each, which `maxTokens` limits to the bytes of that
 * many tokens (`_util.py`, KvCacheCreator.configure_kv_cache_capacity).
 */
export function poolOf(
  ranks: readonly (readonly CachedLayer[])[],
  budgets: readonly number[],
  type: CacheType,
  settings: TensorrtLlmSettings,
): Pool {
  const { contextTokens, tokensPerBlock, maxBeamWidth } = settings;
  const perRank = ranks.map((layers, rank) => rankPools(layers, budgets[rank] ?? 0, type, settings));
  const blocksOf = new Map<number, number>();
  for (const { windowTokens, blocks } of perRank.flatMap(({ pools }) => pools))
    blocksOf.set(windowTokens, Math.min(blocks, blocksOf.get(windowTokens) ?? blocks));
  const inPool = (windowTokens = 0) => blocksOf.get(windowTokens) ?? 0;
  const holds = ({ pools, windows }: RankPools) =>
    windows.map((asked) => {
      const pool = pools.findLast(({ windowTokens }) => windowTokens <= asked);
      return inPool(pool?.windowTokens) / requestBlocks(asked, contextTokens, tokensPerBlock, maxBeamWidth);
    });
  const concurrency = Math.min(...perRank.flatMap(holds));
  const blocks = [...blocksOf.values()].reduce((sum, each) => sum + each, 0);
  return {
    rankBytes: perRank.map(({ pools }) =>
      pools.reduce((sum, pool) => sum + inPool(pool.windowTokens) * tokensPerBlock * pool.tokenBytes, 0),
    ),
    blocks,
    tokens: blocksOf.size > 1 ? Math.floor(concurrency * contextTokens) : blocks * tokensPerBlock,
    concurrency,
  };
}

/**
 * Whole blocks of the tokens that the bytes hold (`resource_manager.py`, KVCacheManager.calculate_max_num_blocks). With windows
 * each has an equal part of the bytes (calculate_max_num_blocks_for_vswa).
 */
function rankPools(
  layers: readonly CachedLayer[],
  budget: number,
  type: CacheType,
  { contextTokens, tokensPerBlock, maxAttentionWindow, maxTokens }: TensorrtLlmSettings,
): RankPools {
  const each = tokenBytes(layers, type);
  const bytes = Math.max(0, Math.min(budget, (maxTokens ?? Number.POSITIVE_INFINITY) * each));
  const asked = windowGroups(layers, type, contextTokens, maxAttentionWindow);
  const groups = asked.length > 1 ? fittedGroups(asked, type, bytes, Math.floor(bytes / each)) : asked;
  return {
    pools: groups.map((group) => ({
      ...group,
      blocks: Math.floor(Math.floor(bytes / groups.length / group.tokenBytes) / tokensPerBlock),
    })),
    windows: asked.map(({ windowTokens }) => windowTokens),
  };
}

/** Bytes that one request as long as the context takes of a rank's pool. */
export function requestBytes(
  layers: readonly CachedLayer[],
  type: CacheType,
  { contextTokens, tokensPerBlock, maxBeamWidth, maxAttentionWindow }: TensorrtLlmSettings,
): number {
  return windowGroups(layers, type, contextTokens, maxAttentionWindow).reduce((sum, group) => {
    const blocks = requestBlocks(group.windowTokens, contextTokens, tokensPerBlock, maxBeamWidth);
    return sum + blocks * tokensPerBlock * group.tokenBytes;
  }, 0);
}
