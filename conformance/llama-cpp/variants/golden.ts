import { readFileSync } from "node:fs";
import type { ArchitectureKeys } from "../architectures/keys.ts";
import { type GoldenFile, goldenPath } from "../golden.ts";
import type { DeviceBytes } from "../placed.ts";
import type { FoldedTensors } from "../whole-models/tensors.ts";

/** What the engine said of one variant. A text is the reason of a refusal; null where the engine broke off. */
export type VariantRow = {
  readonly variant: string;
  /** The case, which is a row of `architectures.json`. */
  readonly architecture: string;
  readonly title: string;
  readonly changed: ArchitectureKeys;
  readonly without?: string;
  /** Those of the whole model where there are none here. What stands in `without` is left out of either. */
  readonly tensors?: FoldedTensors;
  /** By placement, as are these. */
  readonly outputBytes: readonly (number | null)[];
  readonly placed: readonly (DeviceBytes | string | null)[];
  /** By placement of the grid of deep models. */
  readonly grid?: readonly (DeviceBytes | string | null)[];
};

export function readVariants(): GoldenFile<VariantRow> {
  return JSON.parse(readFileSync(goldenPath("variants"), "utf8"));
}
