import { scanStrictJson } from "../bytes/strict-json.ts";
import { InspectError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { requireSafePath } from "./safe-path.ts";
import { requireFewShards } from "./shard-name.ts";

/**
 * The distinct files a `*.index.json` names in its `weight_map`, in name order (which is shard order). Paths are
 * checked; what each file holds is said by its own header.
 */
export function weightMapFiles(text: string, label: string, limits: Limits): string[] {
  const files = new Set<string>();
  const scanner = scanStrictJson(text, { label, maxDepth: limits.jsonDepth });
  scanner.object((key) => {
    if (key !== "weight_map") return void scanner.value();
    scanner.object(() => {
      const file = scanner.string();
      if (files.has(file)) return;
      files.add(requireSafePath(file, label));
      requireFewShards(files.size, label, limits.shards);
    });
  });
  scanner.end();
  const names = [...files].sort(byName);
  const [first] = names;
  if (first === undefined) {
    throw new InspectError(
      "index-mismatch",
      `${label} has no weight_map, or an empty one, so it names no weights. Name the weight files instead.`,
      {
        source: label,
      },
    );
  }
  const other = names.find((name) => !name.toLowerCase().endsWith(".safetensors"));
  if (other !== undefined) {
    throw new InspectError(
      "no-model",
      `${label} lists ${JSON.stringify(other.slice(0, 200))}, which is not a safetensors file. Pickle checkpoints are never opened: convert the model to safetensors.`,
      { source: label },
    );
  }
  return names;
}

/** Order by UTF-16 code unit: the same on every machine and in every locale. */
export function byName(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
