import { missingShards } from "./missing-shards.ts";
import type { Listing } from "./model-files.ts";
import { parseShardName, requireFewShards, type ShardName, shardSet } from "./shard-name.ts";

/** All paths of the set `shard` belongs to, in order; `missing-shard` when the listing lacks any. */
export function completeSet(listing: Listing, shard: ShardName): string[] {
  requireFewShards(shard.total, listing.label, listing.limits.shards);
  const known = new Set(listing.files.map((file) => file.path));
  const zeroBased = known.has(shard.sibling(0)) && !known.has(shard.sibling(shard.total));
  const paths = shardSet(shard, zeroBased);
  requireAllListed(listing, paths);
  return paths;
}

/** Throws `missing-shard`, naming which and how many, unless the listing has all `paths`. */
export function requireAllListed(listing: Listing, paths: readonly string[]): void {
  const known = new Set(listing.files.map((file) => file.path));
  const missing = paths.filter((path) => !known.has(path));
  if (missing.length > 0) throw missingShards(listing.label, missing, paths.length);
}

/** Groups paths into sets; a path without a shard number is a set of its own. */
export function groupSets(paths: readonly string[]): { readonly first: string; readonly shard?: ShardName }[] {
  const sets: { readonly first: string; readonly shard?: ShardName }[] = [];
  const seen = new Set<string>();
  for (const path of paths) {
    const shard = parseShardName(path);
    if (shard === undefined) {
      sets.push({ first: path });
      continue;
    }
    const key = `${shard.stem}/${shard.total}/${shard.extension}`;
    if (seen.has(key)) continue;
    seen.add(key);
    sets.push({ first: path, shard });
  }
  return sets;
}
