import type { CacheType } from "./cache-type.ts";
import type { CachedLayer } from "./cached-layers.ts";
import type { TensorrtLlmSettings } from "./settings.ts";
import { fittedGroups, requestBlocks, tokenBytes, windowGroups } from "./windows.ts";

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

/**
 * Blocks that fit the memory of every rank. Without windows: `max_tokens` is what the bytes hold, in whole blocks
 * (`_util.py`, KvCacheCreator.configure_kv_cache_capacity; `resource_manager.py`, KVCacheManager.calculate_max_num_blocks).
 * With them every window has an equal share of the memory (calculate_max_num_blocks_for_vswa). `budgets` are bytes, one for
 * each rank; `maxTokens` limits them as the bytes of that many tokens.
 */
export function poolOf(
  ranks: readonly (readonly CachedLayer[])[],
  budgets: readonly number[],
  type: CacheType,
  settings: TensorrtLlmSettings,
): Pool {
  const { contextTokens, tokensPerBlock, maxBeamWidth, maxAttentionWindow, maxTokens } = settings;
  const perRank = ranks.map((layers, rank) => {
    const limit = maxTokens === undefined ? Number.POSITIVE_INFINITY : maxTokens * tokenBytes(layers, type);
    const bytes = Math.max(0, Math.min(budgets[rank] ?? 0, limit));
    const groups = windowGroups(layers, type, contextTokens, maxAttentionWindow);
    const fitted = groups.length > 1 ? fittedGroups(groups, type, bytes, maxTokens) : groups;
    return fitted.map((group) => ({
      ...group,
      blocks: Math.floor(Math.floor(bytes / fitted.length / group.tokenBytes) / tokensPerBlock),
    }));
  });
  const blocksOf = new Map<number, number>();
  for (const { windowTokens, blocks } of perRank.flat())
    blocksOf.set(windowTokens, Math.min(blocks, blocksOf.get(windowTokens) ?? blocks));
  const inPool = (windowTokens: number) => blocksOf.get(windowTokens) ?? 0;
  const concurrency = Math.min(
    ...[...blocksOf].map(([windowTokens, blocks]) => {
      const each = requestBlocks(windowTokens, contextTokens, tokensPerBlock, maxBeamWidth);
      return each === 0 ? 0 : blocks / each;
    }),
  );
  const blocks = [...blocksOf.values()].reduce((sum, each) => sum + each, 0);
  return {
    rankBytes: perRank.map((groups) =>
      groups.reduce((sum, group) => sum + inPool(group.windowTokens) * tokensPerBlock * group.tokenBytes, 0),
    ),
    blocks,
    tokens: blocksOf.size > 1 ? Math.floor(concurrency * contextTokens) : blocks * tokensPerBlock,
    concurrency,
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
