const FIRST_BYTES = 65_536;
const LATER_BYTES = 1_048_576;

/** Ranges from `start` to `end`: 64 KiB first, since most headers are short, then 1 MiB for those that are not. */
export function* growingRanges(
  start: number,
  end: number,
): Generator<{ readonly start: number; readonly end: number }> {
  let bytes = FIRST_BYTES;
  for (let at = start; at < end; ) {
    const next = Math.min(at + bytes, end);
    yield { start: at, end: next };
    at = next;
    bytes = LATER_BYTES;
  }
}
