import { InspectError } from "../errors.ts";

/** A file name that says which part of how many it is. */
export type ShardName = {
  /** Folder and everything before the number: `model-` in `model-00001-of-00005.safetensors`. */
  readonly stem: string;
  readonly index: number;
  readonly total: number;
  readonly extension: "gguf" | "safetensors";
  /** Path of another part of the same set, digits padded alike. */
  sibling(index: number): string;
};

// Real sets differ: `model_00001-of-00072` (bloom), six-digit totals `-of-000163` (DeepSeek-R1),
// numbering from zero `-00000-of-00413` (MiniMax-M1). GGUF is always `-%05d-of-%05d` from one (llama_split_path).
const SHARD = /^(.+[-_.])(\d{5,8})-of-(\d{5,8})\.(gguf|safetensors)$/i;

/** Reads the shard number from a path, or undefined when it carries none. */
export function parseShardName(path: string): ShardName | undefined {
  const match = SHARD.exec(path);
  if (match === null) return undefined;
  const [, stem = "", indexDigits = "", totalDigits = "", suffix = ""] = match;
  const index = Number(indexDigits);
  const total = Number(totalDigits);
  if (total === 0 || index > total) return undefined;
  return {
    stem,
    index,
    total,
    extension: suffix.toLowerCase() === "gguf" ? "gguf" : "safetensors",
    sibling: (other) => `${stem}${String(other).padStart(indexDigits.length, "0")}-of-${totalDigits}.${suffix}`,
  };
}

/**
 * Paths of the whole set `shard` belongs to, in order. `zeroBased` when any part is known to be number 0; a part
 * numbered like the total proves numbering from one.
 */
export function shardSet(shard: ShardName, zeroBased: boolean): string[] {
  const first = zeroBased ? 0 : 1;
  return Array.from({ length: shard.total }, (_, i) => shard.sibling(first + i));
}

/** Refuses a shard count no index or file name should be trusted with. */
export function requireFewShards(total: number, label: string, maxShards: number): void {
  if (total <= maxShards) return;
  throw new InspectError(
    "limit-exceeded",
    `${label} names ${total} or more parts, over the ${maxShards} of limits.shards. Raise it if the set is right.`,
    { source: label },
  );
}
