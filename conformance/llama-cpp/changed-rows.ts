import { isDeepStrictEqual } from "node:util";

/** Rows of whole models have every tensor: what differs shows in the diff after writing them anew. */
const SHOWN = 200;

/** Rows that the engine now answers otherwise than the golden file says, row by row. */
export function changedRows(golden: readonly object[], now: readonly object[]): string[] {
  const differences = golden.flatMap((row, index) => {
    // As it would be stored: without what is undefined.
    const answer = JSON.stringify(now[index] ?? null);
    return isDeepStrictEqual(row, JSON.parse(answer))
      ? []
      : [`golden ${JSON.stringify(row).slice(0, SHOWN)}, now ${answer.slice(0, SHOWN)}`];
  });
  if (golden.length !== now.length) differences.push(`golden ${golden.length} rows, now ${now.length}`);
  return differences;
}
