import { isInspectError } from "../../src/errors.ts";
import type { Model } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { GoldenRow } from "./golden.ts";

/** How weighin's figure for one row stands to the engine's. `unclaimed`: weighin says it does not know. */
export type RowVerdict =
  | { readonly state: "equal" }
  | { readonly state: "unclaimed" }
  | { readonly state: "different"; readonly message: string };

/** Holds weights, cache and output buffer of one row against the engine's bytes, and a refusal against a refusal. */
export function compareRow(model: Model, row: GoldenRow): RowVerdict {
  const asked = `${row.model} ${JSON.stringify(row.workload)}`;
  const own = estimate(model, row);
  if (own === "refused" || "refused" in row) {
    if (own === "refused" && "refused" in row) return { state: "equal" };
    const message =
      own === "refused" ? "only weighin refuses it" : `llama.cpp refuses it: ${"refused" in row && row.refused}`;
    return { state: "different", message: `${asked}: ${message}` };
  }
  const pairs = [
    ["weights", own.weights, row.modelBytes],
    ["cache", own.cache, row.contextBytes],
    ["output", own.output, row.outputBytes],
  ] as const;
  const wrong = pairs.filter(([, ours, theirs]) => ours !== null && ours !== theirs);
  if (wrong.length > 0) {
    const message = wrong.map(([part, ours, theirs]) => `${part} ${ours}, llama.cpp ${theirs}`).join("; ");
    return { state: "different", message: `${asked}: ${message}` };
  }
  return own.cache === null ? { state: "unclaimed" } : { state: "equal" };
}

type Own = { readonly weights: number; readonly cache: number | null; readonly output: number };

function estimate(model: Model, { workload }: GoldenRow): "refused" | Own {
  try {
    const { totals, items } = estimateMemory(model, { runtime: "llama.cpp", ...workload });
    const output = items.find(({ label }) => label.startsWith("output buffer"))?.bytes ?? 0;
    return { weights: totals.weights, cache: totals.cache, output };
  } catch (error) {
    if (isInspectError(error, "unsupported-option")) return "refused";
    throw error;
  }
}
