import type { MemoryEstimate } from "../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { FAMILIES } from "../../src/runtimes/training/families.ts";
import { modelOfRow } from "../transformers/model-types.ts";
import type { Peak, PeakRow } from "./golden.ts";

/** What a run may be away from the total, where the family was read and has no experts. */
export const TOLERANCE = 0.05;

export type PeakComparison = {
  readonly modelType: string;
  readonly peak: Peak;
  /** Share of the peak that the total is above it. */
  readonly error: number;
  /** Held to `TOLERANCE`; others to the range of the estimate. */
  readonly dense: boolean;
  readonly inRange: boolean;
};

/** Every run of one model beside what is computed for it. */
export async function comparePeaks(row: PeakRow): Promise<readonly PeakComparison[]> {
  const model = await modelOfRow(row);
  const experts = model.layers.some(({ feedForward }) => feedForward.kind === "experts");
  return row.peaks.map((peak) => {
    const { totals } = estimateOf(peak, model);
    const bytes = peak[6];
    return {
      modelType: row.modelType,
      peak,
      error: (totals.total ?? Number.NaN) / bytes - 1,
      dense: FAMILIES.has(row.modelType) && !experts,
      inRange: totals.low <= bytes && bytes <= (totals.high ?? 0),
    };
  });
}

function estimateOf(peak: Peak, model: Parameters<typeof estimateMemory>[0]): MemoryEstimate {
  const [method, precision, attention, checkpointing, microBatch, sequenceTokens] = peak;
  const workload = { method, precision, attention, checkpointing, microBatch, sequenceTokens };
  return estimateMemory(model, { runtime: "training", loraTargets: "all-linear", ...workload });
}

/** What is wrong with a comparison, or undefined. */
export function fault({ modelType, peak, error, dense, inRange }: PeakComparison): string | undefined {
  if (inRange && (!dense || Math.abs(error) <= TOLERANCE)) return undefined;
  return `${modelType} ${peak.join(" ")}: ${(100 * error).toFixed(2)} % off${inRange ? "" : ", outside the range"}`;
}
