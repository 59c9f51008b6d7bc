import { InspectError } from "../errors.ts";
import type { MemoryItem, MemoryTotals } from "./estimate.ts";

export const MEMORY_COMPONENTS = ["weights", "gradients", "optimizer", "cache", "compute", "overhead"] as const;

/** A part of the memory: also the names of the sums. */
export type MemoryComponent = (typeof MEMORY_COMPONENTS)[number];

/**
 * Sums items. A component named in `unknown` cannot be computed: its sum and the total are null, while `low` still
 * counts everything that is known.
 */
export function sumItems(items: readonly MemoryItem[], unknown: ReadonlySet<MemoryComponent>): MemoryTotals {
  const sums = { weights: 0, gradients: 0, optimizer: 0, cache: 0, compute: 0, overhead: 0 };
  let low = 0;
  let high = 0;
  for (const item of items) {
    sums[item.component] += item.bytes;
    const [least, most] = [item.low ?? item.bytes, item.high ?? item.bytes];
    // What fills up is largest where the rest is least: the sum hardly varies.
    low += item.fills ? most : least;
    high += item.fills ? least : most;
  }
  const sum = MEMORY_COMPONENTS.reduce((bytes, component) => bytes + sums[component], 0);
  [low, high] = [Math.min(low, sum), Math.max(high, sum)];
  if (!Number.isFinite(high)) {
    throw new InspectError(
      "inconsistent-model",
      "the sizes of this model contradict each other, so that nothing follows from them: a width or a number of heads is 0.",
    );
  }
  if (!Number.isSafeInteger(high)) {
    throw new InspectError(
      "overflow",
      `the memory of this workload is beyond ${Number.MAX_SAFE_INTEGER} bytes: ask for less context`,
    );
  }
  const known = (component: MemoryComponent) => (unknown.has(component) ? null : sums[component]);
  const complete = unknown.size === 0;
  const trains = items.some(({ component }) => component === "gradients");
  return {
    weights: sums.weights,
    ...(trains && { gradients: sums.gradients, optimizer: sums.optimizer }),
    cache: known("cache"),
    compute: known("compute"),
    overhead: known("overhead"),
    total: complete ? sum : null,
    low,
    high: complete ? high : null,
  };
}
