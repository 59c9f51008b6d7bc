import { type InspectCode, isInspectError } from "../errors.ts";
import type { Model } from "../model/model.ts";
import { type Refusal, type RuntimeReport, weigh } from "../report/weigh.ts";
import type { Workload } from "../runtimes/workload.ts";

/** What is told of a model: the runtimes that take it, and of all those asked at once the ones that do not. */
export type Weighed = { readonly reports: readonly RuntimeReport[]; readonly refusals: readonly Refusal[] };

/** Codes that say what one runtime does not do, or cannot say, while others can. */
const REFUSAL_CODES: ReadonlySet<InspectCode> = new Set([
  "unsupported-runtime",
  "unsupported-option",
  "overflow",
  "inconsistent-model",
]);

/** Weighs a model for each workload. With `askedForAll`, a runtime that does not take it is told, not thrown. */
export function weighAll(model: Model, workloads: readonly Workload[], askedForAll: boolean): Weighed {
  const reports: RuntimeReport[] = [];
  const refusals: Refusal[] = [];
  for (const workload of workloads) {
    try {
      reports.push(weigh(model, workload));
    } catch (error) {
      const isRefusal = isInspectError(error) && REFUSAL_CODES.has(error.code);
      if (!askedForAll || !isRefusal) throw error;
      refusals.push({ runtime: workload.runtime, code: error.code, message: error.message });
    }
  }
  return { reports, refusals };
}
