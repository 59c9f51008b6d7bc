import { type JsonScanner, type JsonValue, scanJson } from "./json-scanner.ts";

/** JSON as Python's `json` reads it. Numbers may be NaN or infinite; integers beyond 2^53 are bigints. */
export type LooseJson = JsonValue<number>;

export type LooseJsonOptions = { readonly label: string; readonly maxDepth: number };

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/**
 * Scans a configuration the way the Python libraries that wrote it do: `NaN`, `Infinity` and `-Infinity` are
 * numbers, and of two equal keys the last wins. Throws `invalid-json` or `limit-exceeded`, with the position.
 */
export function scanLooseJson(text: string, options: LooseJsonOptions): JsonScanner<number> {
  return scanJson<number>(text, {
    label: options.label,
    offset: 0,
    maxDepth: options.maxDepth,
    duplicateKeys: "last-wins",
    loneSurrogates: "keep",
    constants: CONSTANTS,
    decimal: Number,
  });
}

/** The whole text as one value; see {@link scanLooseJson}. */
export function parseLooseJson(text: string, options: LooseJsonOptions): LooseJson {
  const scanner = scanLooseJson(text, options);
  const value = scanner.value();
  scanner.end();
  return value;
}
