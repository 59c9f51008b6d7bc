import { scanLooseJson } from "../bytes/loose-json.ts";
import { quote } from "../bytes/printable.ts";
import { InspectError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { byName } from "./by-name.ts";
import { requireSafePath } from "./safe-path.ts";

/** What a `model.safetensors.index.json` says. */
export type WeightMap = {
  /** The distinct files, as first seen. Each stays inside the model's own folder. */
  readonly files: readonly string[];
  /** File of each tensor. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** What the index claims the tensors take together, in bytes; 0 and wrong claims are common. Never summed. */
  readonly totalSize?: number;
};

/** Parses an index. Throws `invalid-json`, `invalid-metadata`, `unsafe-path`, `limit-exceeded`. */
export function parseWeightMap(text: string, limits: Limits, label: string): WeightMap {
  const scanner = scanLooseJson(text, { label, maxDepth: limits.jsonDepth });
  const files = new Set<string>();
  const weightMap = new Map<string, string>();
  let found = false;
  let totalSize: number | undefined;

  const fail = (code: "invalid-metadata" | "limit-exceeded", message: string): never => {
    throw new InspectError(code, `${label}: ${message}`, { source: label });
  };

  function readEntry(tensor: string): void {
    if (scanner.peek() !== "string") fail("invalid-metadata", `weight_map gives no file name for ${quote(tensor)}.`);
    const file = scanner.string();
    if (!files.has(file)) {
      files.add(requireSafePath(file, label));
      if (files.size > limits.shards) fail("limit-exceeded", `weight_map names more than ${limits.shards} files.`);
    }
    weightMap.set(tensor, file);
    if (weightMap.size > limits.tensors)
      fail("limit-exceeded", `weight_map names more than ${limits.tensors} tensors.`);
  }

  function readClaims(): void {
    if (scanner.peek() !== "object") {
      scanner.skip();
      return;
    }
    scanner.object((key) => {
      if (key !== "total_size" || scanner.peek() !== "number") {
        scanner.skip();
        return;
      }
      const claimed = scanner.value();
      if (typeof claimed === "number" && Number.isSafeInteger(claimed) && claimed >= 0) totalSize = claimed;
    });
  }

  if (scanner.peek() !== "object") {
    scanner.skip();
    scanner.end();
    fail("invalid-metadata", "the index is not an object.");
  }
  scanner.object((key) => {
    if (key === "metadata") {
      readClaims();
    } else if (key === "weight_map" && scanner.peek() === "object") {
      found = true;
      scanner.object(readEntry);
    } else {
      scanner.skip();
    }
  });
  scanner.end();
  if (!found) fail("invalid-metadata", "the index has no weight_map object, which says where the tensors are.");
  return { files: [...files], weightMap, ...(totalSize !== undefined && { totalSize }) };
}

/**
 * The files a weight map names, in name order (which is shard order). Throws `index-mismatch` when it names none, and
 * `no-model` when one is not safetensors. What each file holds is said by its own header.
 */
export function indexedFiles({ files }: WeightMap, label: string): string[] {
  const names = [...files].sort(byName);
  if (names.length === 0) {
    throw new InspectError(
      "index-mismatch",
      `${label} has an empty weight_map, so it names no weights. Name the weight files instead.`,
      { source: label },
    );
  }
  const other = names.find((name) => !name.toLowerCase().endsWith(".safetensors"));
  if (other !== undefined) {
    throw new InspectError(
      "no-model",
      `${label} lists ${quote(other)}, which is not a safetensors file. Pickle checkpoints are never opened: convert the model to safetensors.`,
      { source: label },
    );
  }
  return names;
}
