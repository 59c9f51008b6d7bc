import type { Compression } from "../mixer.ts";

/** A row for each run of `ratio` tokens. */
export function separateRows(ratio: number, keyDim: number): Compression {
  return { ratio, state: [[ratio, keyDim]] };
}

/**
 * Rows of runs that overlap by half, with those of an indexer beside them: the compressor holds two runs of each, twice as
 * wide.
 */
export function overlappingRows(ratio: number, keyDim: number, indexDim: number): Compression {
  return { ratio, state: [keyDim, indexDim].map((dim) => [2 * ratio, 2 * dim]) };
}
