import type { Certainty, MemoryItem } from "./estimate.ts";

/** What one layer caches, in one allocation or two alike (K and V). */
export type LayerCache = {
  /** `KV cache`, `latent cache`, `recurrent state`. Layers alike in `kind` and `detail` are shown together. */
  readonly kind: string;
  readonly detail: string;
  readonly bytes: number;
  /** Growth with one more token of one sequence while no window is full. */
  readonly bytesPerToken: number;
  readonly source: string;
};

/** One item for all layers that cache alike. */
export function cacheItems(caches: readonly LayerCache[], device: string, certainty: Certainty): MemoryItem[] {
  const groups = new Map<string, { readonly first: LayerCache; layers: number; bytes: number }>();
  for (const cache of caches) {
    const key = `${cache.kind}\n${cache.detail}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: cache, layers: 1, bytes: cache.bytes });
    else {
      group.layers += 1;
      group.bytes += cache.bytes;
    }
  }
  return [...groups.values()].map(({ first, layers, bytes }) => ({
    component: "cache",
    label: `${first.kind}, ${layers} layer${layers === 1 ? "" : "s"} x ${first.detail}`,
    device,
    bytes,
    certainty,
    source: first.source,
  }));
}

/** Cache bytes that one more token of one sequence takes, while no window is full. */
export function bytesPerToken(caches: readonly LayerCache[]): number {
  return caches.reduce((sum, cache) => sum + cache.bytesPerToken, 0);
}
