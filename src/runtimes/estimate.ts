import type { Diagnostic } from "../diagnostics.ts";
import type { RuntimeName } from "./workload.ts";

/**
 * `exact`: equals the engine's own allocation, conformance-tested. `derived`: closed form from the engine's source,
 * not yet compared with a run. `estimate`: carries `low` and `high`.
 */
export type Certainty = "exact" | "derived" | "estimate";

/** One allocation, or several alike. */
export type MemoryItem = {
  readonly component: "weights" | "cache" | "compute" | "overhead";
  readonly label: string;
  readonly device: string;
  readonly bytes: number;
  readonly certainty: Certainty;
  /** What the figure follows from: engine, version and place. */
  readonly source: string;
  /** Only for estimates: bounds in bytes. */
  readonly low?: number;
  readonly high?: number;
};

/** Sums of items. A part that cannot be computed is null, and so is every sum it belongs to; `low` still holds. */
export type MemoryTotals = {
  readonly weights: number;
  readonly cache: number | null;
  readonly compute: number | null;
  readonly overhead: number | null;
  readonly total: number | null;
  readonly low: number;
  readonly high: number | null;
};

/** What one runtime allocates for one workload. All sizes are bytes. */
export type MemoryEstimate = {
  readonly schemaVersion: 1;
  readonly runtime: RuntimeName;
  /** Version of the engine whose source the rules were read from. */
  readonly runtimeVersion: string;
  /** The workload with every default filled in. */
  readonly workload: { readonly [option: string]: unknown };
  readonly items: readonly MemoryItem[];
  readonly devices: readonly ({ readonly name: string } & MemoryTotals)[];
  readonly totals: MemoryTotals;
  /** Cache bytes that one more token of one sequence takes, in a context too short to fill any window. */
  readonly cachePerToken: number | null;
  /** Cache bytes of one sequence at the workload's context. */
  readonly cachePerSequence: number | null;
  readonly diagnostics: readonly Diagnostic[];
};
