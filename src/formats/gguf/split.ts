import { narrow } from "../../bytes/checked.ts";
import type { GgufMetadata } from "./value.ts";

/** What a file that is one of a set says about the set. */
export type GgufSplit = {
  /** Place of this file, from 0. */
  readonly index: number;
  /** Files in the set. */
  readonly count: number;
  /** Tensors in the whole set. */
  readonly tensors: number;
};

export const SPLIT_INDEX_KEY = "split.no";
export const SPLIT_COUNT_KEY = "split.count";
export const SPLIT_TENSORS_KEY = "split.tensors.count";

/** A non-negative whole number under `key`; undefined when there is none. */
export function wholeNumber(metadata: GgufMetadata, key: string): number | undefined {
  const found = metadata.get(key);
  if (found === undefined || found.type === "array") return undefined;
  return typeof found.value === "number" || typeof found.value === "bigint" ? narrow(found.value) : undefined;
}

/** The split keys of one file, when all three are there and whole numbers. */
export function splitOf(metadata: GgufMetadata): GgufSplit | undefined {
  const index = wholeNumber(metadata, SPLIT_INDEX_KEY);
  const count = wholeNumber(metadata, SPLIT_COUNT_KEY);
  const tensors = wholeNumber(metadata, SPLIT_TENSORS_KEY);
  if (index === undefined || count === undefined || tensors === undefined) return undefined;
  return { index, count, tensors };
}
