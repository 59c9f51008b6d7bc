import { GIB } from "./binary-units.ts";
import type { MemoryItem } from "./estimate.ts";

/** GiB of published measurements: what is usual, the least and the most. */
export type Measured = { readonly typical: number; readonly low: number; readonly high: number };

/** An overhead that nothing of the model says anything about: it was measured, by others. */
export function measuredItem(
  device: string,
  label: string,
  { typical, low, high }: Measured,
  source: string,
): MemoryItem {
  return {
    component: "overhead",
    label,
    device,
    bytes: Math.round(typical * GIB),
    certainty: "estimate",
    source,
    low: Math.round(low * GIB),
    high: Math.round(high * GIB),
  };
}
