import type { Reporter } from "../diagnostics.ts";
import type { GgufMetadata } from "../formats/gguf/value.ts";
import { type Keys, makeKeys } from "./keys.ts";

/**
 * The keys of one architecture, by their names without its prefix (`block_count`, `attention.head_count`).
 * `fallback` stands in for keys the file lacks, with what its tensors prove.
 */
export function ggufKeys(
  metadata: GgufMetadata,
  architecture: string | undefined,
  fallback: ReadonlyMap<string, number>,
  report: Reporter,
): Keys {
  const prefix = architecture === undefined ? "" : `${architecture}.`;
  return makeKeys(
    "GGUF keys",
    (names) => {
      for (const name of names) {
        const key = prefix + name;
        const found = metadata.get(key);
        if (found === undefined) continue;
        if (found.type !== "array") return { name: key, value: found.value };
        if ("values" in found) return { name: key, value: found.values };
        // Too long to be kept is longer than any model has layers: it is only named in messages.
        return { name: key, value: Symbol(`a list of ${found.reference.length}`) };
      }
      for (const name of names) {
        const value = fallback.get(name);
        if (value !== undefined) return { name, value };
      }
      return undefined;
    },
    report,
  );
}

/** A key outside any architecture (`general.type`), when it is a text. */
export function ggufText(metadata: GgufMetadata, key: string): string | undefined {
  const found = metadata.get(key);
  return found !== undefined && found.type !== "array" && typeof found.value === "string" ? found.value : undefined;
}

/** Entries of an array key, kept or not. */
export function ggufArrayLength(metadata: GgufMetadata, key: string): number | undefined {
  const found = metadata.get(key);
  if (found === undefined || found.type !== "array") return undefined;
  return "values" in found ? found.values.length : found.reference.length;
}
