import type { Diagnostic } from "../diagnostics.ts";
import type { Capacity, MemoryEstimate, MemoryItem } from "./estimate.ts";
import { type MemoryComponent, sumItems } from "./totals.ts";
import type { RuntimeName } from "./workload.ts";

/** The parts of an estimate, before they are summed. A part that is null cannot be computed. */
export type EstimateParts = {
  readonly runtime: RuntimeName;
  readonly runtimeVersion: string;
  readonly workload: { readonly [option: string]: unknown };
  /** Names of all devices, in the order to show them. */
  readonly deviceNames: readonly string[];
  readonly weights: readonly MemoryItem[];
  readonly cache: readonly MemoryItem[] | null;
  readonly compute: readonly MemoryItem[] | null;
  readonly overhead: readonly MemoryItem[] | null;
  readonly cachePerToken: number | null;
  readonly sequences: number;
  readonly capacity?: Capacity | undefined;
  /** Cache bytes of one sequence, where they are not the cache shared out by `sequences`. */
  readonly cachePerSequence?: number;
  readonly diagnostics: readonly Diagnostic[];
};

/** Sums the parts per device and in all, and says which part is missing. */
export function assembleEstimate(parts: EstimateParts): MemoryEstimate {
  const unknown = new Set<MemoryComponent>();
  // Every model has weights: a file without tensors is a vocabulary alone, or the config of a model that is elsewhere.
  if (parts.weights.length === 0) unknown.add("weights");
  for (const component of ["cache", "compute", "overhead"] as const) {
    if (parts[component] === null) unknown.add(component);
  }
  const items = [...parts.weights, ...(parts.cache ?? []), ...(parts.compute ?? []), ...(parts.overhead ?? [])];
  const totals = sumItems(items, unknown);
  return {
    schemaVersion: 1,
    runtime: parts.runtime,
    runtimeVersion: parts.runtimeVersion,
    workload: parts.workload,
    items,
    devices: parts.deviceNames.map((name) => ({
      name,
      ...sumItems(
        items.filter((item) => item.device === name),
        unknown,
      ),
    })),
    totals,
    cachePerToken: parts.cachePerToken,
    cachePerSequence:
      parts.cachePerSequence ?? (totals.cache === null ? null : Math.ceil(totals.cache / parts.sequences)),
    ...(parts.capacity && { capacity: parts.capacity }),
    diagnostics: [...parts.diagnostics, ...missingParts(unknown)],
  };
}

/** One note for all parts that are missing: the cache names it, being what most ask for. */
function missingParts(unknown: ReadonlySet<MemoryComponent>): Diagnostic[] {
  if (unknown.size === 0) return [];
  const parts = [...unknown];
  return [
    {
      code: unknown.has("cache") ? "unknown-cache" : "not-counted",
      message: `The ${parts.join(" and ")} of this model ${parts.length > 1 || parts[0] === "weights" ? "are" : "is"} not known, and so the total is only known to be at least the rest.`,
      where: parts.join(", "),
    },
  ];
}
