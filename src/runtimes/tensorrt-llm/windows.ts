import type { CacheType } from "./cache-type.ts";
import type { CachedLayer } from "./cached-layers.ts";

/** Layers of one rank that keep equally many tokens, in blocks of their own. */
export type WindowGroup = {
  readonly windowTokens: number;
  readonly layers: readonly CachedLayer[];
  /** Bytes of one token in all these layers. */
  readonly tokenBytes: number;
};

/** Bytes of one token in some layers. */
export function tokenBytes(layers: readonly CachedLayer[], type: CacheType): number {
  const elements = layers.reduce((sum, layer) => sum + layer.elements, 0);
  return type.bytes(elements) + layers.reduce((sum, layer) => sum + layer.indexerBytes, 0);
}

/**
 * Groups in order of their windows. The list is repeated along the layers of a rank, and no window is longer than the context
 * (`resource_manager.py`, KVCacheManager._get_window_size_to_layers).
 */
export function windowGroups(
  layers: readonly CachedLayer[],
  type: CacheType,
  contextTokens: number,
  windows: readonly number[] = [contextTokens],
): WindowGroup[] {
  const byWindow = new Map<number, CachedLayer[]>();
  for (const [index, layer] of layers.entries()) {
    const windowTokens = Math.min(contextTokens, windows[index % windows.length] ?? contextTokens);
    byWindow.set(windowTokens, [...(byWindow.get(windowTokens) ?? []), layer]);
  }
  return [...byWindow]
    .sort(([left], [right]) => left - right)
    .map(([windowTokens, members]) => ({ windowTokens, layers: members, tokenBytes: tokenBytes(members, type) }));
}

/**
 * Windows cut to what the memory holds of one request: the layers still open grow together until the memory ends
 * (`resource_manager.py`, KVCacheManager.adjust_window_sizes_for_vswa).
 */
export function fittedGroups(
  groups: readonly WindowGroup[],
  type: CacheType,
  poolBytes: number,
  maxTokens: number = Number.POSITIVE_INFINITY,
): WindowGroup[] {
  const needed = groups.reduce((sum, group) => sum + group.windowTokens * group.tokenBytes, 0);
  if (needed < poolBytes) return [...groups];
  const fitted = new Map<number, readonly CachedLayer[]>();
  let left = poolBytes;
  let held = 0;
  let earlier = 0;
  for (const [index, { windowTokens, layers }] of groups.entries()) {
    if (left > 0) {
      const open = tokenBytes(
        groups.slice(index).flatMap((group) => group.layers),
        type,
      );
      const more = Math.min(Math.floor(left / open), windowTokens - earlier);
      left -= more * open;
      held = Math.min(held + more, maxTokens);
      if (held < windowTokens) left = 0;
    }
    fitted.set(held, [...(fitted.get(held) ?? []), ...layers]);
    earlier = windowTokens;
  }
  return [...fitted].map(([windowTokens, layers]) => ({ windowTokens, layers, tokenBytes: tokenBytes(layers, type) }));
}

/**
 * Blocks that one request takes of a group at most. A window that slides keeps a block more than it fills
 * (`kvCacheManager.h`, kSWAExtraBlock); beams share none.
 */
export function requestBlocks(
  windowTokens: number,
  contextTokens: number,
  tokensPerBlock: number,
  beams: number,
): number {
  const slides = windowTokens < contextTokens ? 1 : 0;
  return (Math.ceil(Math.min(windowTokens, contextTokens) / tokensPerBlock) + slides) * beams;
}
