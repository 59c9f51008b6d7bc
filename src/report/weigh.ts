import type { Model } from "../model/model.ts";
import type { MemoryEstimate } from "../runtimes/estimate.ts";
import { estimateMemory, estimateUnlessRefused } from "../runtimes/estimate-memory.ts";
import { type DeviceFit, fitDevices, weighedDevices } from "../runtimes/fit.ts";
import { largestContext } from "../runtimes/largest-context.ts";
import type { RuntimeName, Workload } from "../runtimes/workload.ts";

/** Memory at one context, for the growth table. Sizes are bytes; null is "not known". */
export type GrowthPoint = {
  readonly contextTokens: number;
  readonly cacheBytes: number | null;
  readonly totalBytes: number | null;
  /** Whether every device of known capacity holds it; undefined when no capacity is known. */
  readonly verdict: DeviceFit["verdict"] | undefined;
};

/** All the screen says of one runtime. */
export type RuntimeReport = {
  readonly estimate: MemoryEstimate;
  readonly growth: readonly GrowthPoint[];
  /** One entry per device of known capacity. */
  readonly fits: readonly DeviceFit[];
  /** Largest context that surely fits, up to the trained one; null when none does or no capacity is known. */
  readonly largestContextTokens: number | null;
};

/** Why a runtime does not take the model: it was asked along with all others. */
export type Refusal = { readonly runtime: RuntimeName; readonly code: string; readonly message: string };

const GROWTH_CONTEXTS = [4096, 8192, 32_768, 131_072] as const;

/** The usual contexts up to the trained one, the trained one and the one asked for, in order. */
export function growthContexts(trainedContext: number | null, askedContext: number | null): readonly number[] {
  const usual = GROWTH_CONTEXTS.filter((tokens) => tokens <= (trainedContext ?? Number.POSITIVE_INFINITY));
  const special = [trainedContext, askedContext].filter((tokens) => tokens !== null);
  return [...new Set([...usual, ...special])].sort((left, right) => left - right);
}

/** The worst of several verdicts; undefined for none. */
export function worstVerdict(fits: readonly DeviceFit[]): DeviceFit["verdict"] | undefined {
  const verdicts = new Set(fits.map((fit) => fit.verdict));
  return (["too-large", "close", "fits"] as const).find((verdict) => verdicts.has(verdict));
}

/** The context an estimate was made for, in tokens. */
export function contextOf(estimate: MemoryEstimate): number | null {
  const tokens = estimate.workload["contextTokens"];
  return typeof tokens === "number" ? tokens : null;
}

/** Weighs a model for one workload and at the contexts of the growth table. Throws what `estimateMemory` throws. */
export function weigh(model: Model, workload: Workload): RuntimeReport {
  const estimate = estimateMemory(model, workload);
  const devices = weighedDevices(estimate);
  const fits = fitDevices(estimate, devices);
  const growth = growthContexts(model.trainedContext, contextOf(estimate)).flatMap((contextTokens): GrowthPoint[] => {
    const at = estimateUnlessRefused(model, { ...workload, contextTokens });
    if (at === undefined) return [];
    return [
      {
        contextTokens,
        // A pool is as large at any context: what grows is what a sequence takes of it.
        cacheBytes: at.capacity === undefined ? at.totals.cache : sequencesCache(at),
        totalBytes: at.totals.total,
        verdict: worstVerdict(fitDevices(at, devices)),
      },
    ];
  });
  return { estimate, growth, fits, largestContextTokens: fits.length > 0 ? largestContext(model, workload) : null };
}

/** What all sequences of the workload take of a pool. */
function sequencesCache({ cachePerSequence, workload }: MemoryEstimate): number | null {
  const sequences = workload["sequences"];
  return cachePerSequence === null || typeof sequences !== "number" ? null : cachePerSequence * sequences;
}
