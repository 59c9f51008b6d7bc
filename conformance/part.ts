/** What one part of the conformance run found. A part that could not run says why and counts as neither. */
export type PartResult =
  | { readonly name: string; readonly state: "passed"; readonly summary: string }
  | {
      readonly name: string;
      readonly state: "failed";
      readonly summary: string;
      readonly differences: readonly string[];
    }
  | { readonly name: string; readonly state: "skipped"; readonly summary: string };

/** Passed without differences, failed with them. */
export function verdict(name: string, summary: string, differences: readonly string[]): PartResult {
  return differences.length === 0
    ? { name, state: "passed", summary: `${summary}: zero differences` }
    : { name, state: "failed", summary: `${summary}: ${differences.length} differences`, differences };
}
