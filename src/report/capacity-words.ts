import type { MemoryEstimate } from "../runtimes/estimate.ts";
import { formatInteger, formatPlural } from "./units.ts";

/** What a pool holds, in words; undefined where the runtime has none of known size. */
export function capacityWords({ capacity, workload }: MemoryEstimate): string | undefined {
  if (capacity === undefined) return undefined;
  const { blocks, tokens, concurrency, low, high } = capacity;
  const context = workload["contextTokens"];
  const each = typeof context === "number" ? ` of ${formatInteger(context)} tokens` : "";
  const range = low === undefined || high === undefined ? "" : ` (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const about = range === "" ? "" : "about ";
  return `the pool holds ${about}${formatPlural(blocks, "block")}, ${formatInteger(tokens)} tokens, ${concurrency.toFixed(2)} requests${each} at once${range}`;
}
