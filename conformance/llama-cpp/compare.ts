import type { Model } from "../../src/model/model.ts";
import type { GoldenRow } from "./golden.ts";
import { outputOf, tryEstimate } from "./placed.ts";

/** How weighin's figure for one row stands to the engine's. `unclaimed`: weighin says it does not know. */
export type RowVerdict =
  | { readonly state: "equal" }
  | { readonly state: "unclaimed" }
  | { readonly state: "different"; readonly message: string };

/** Holds weights, cache and output buffer of one row against the engine's bytes, and a refusal against a refusal. */
export function compareRow(model: Model, row: GoldenRow): RowVerdict {
  const asked = `${row.model} ${JSON.stringify(row.workload)}`;
  const own = tryEstimate(model, row.workload);
  if (own === undefined || "refused" in row) {
    if (own === undefined && "refused" in row) return { state: "equal" };
    const message =
      own === undefined ? "only weighin refuses it" : `llama.cpp refuses it: ${"refused" in row && row.refused}`;
    return { state: "different", message: `${asked}: ${message}` };
  }
  const pairs = [
    ["weights", own.totals.weights, row.modelBytes],
    ["cache", own.totals.cache, row.contextBytes],
    ["output", outputOf(own), row.outputBytes],
  ] as const;
  const wrong = pairs.filter(([, ours, theirs]) => ours !== null && ours !== theirs);
  if (wrong.length > 0) {
    const message = wrong.map(([part, ours, theirs]) => `${part} ${ours}, llama.cpp ${theirs}`).join("; ");
    return { state: "different", message: `${asked}: ${message}` };
  }
  return own.totals.cache === null ? { state: "unclaimed" } : { state: "equal" };
}
