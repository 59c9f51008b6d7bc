import type { StreamCursor } from "../../bytes/stream-cursor.ts";
import { readUnsigned64 } from "./scalar.ts";

/** Steps over `count` strings without decoding them; what has arrived is stepped over synchronously. */
export async function skipStrings(
  cursor: StreamCursor,
  count: number,
  littleEndian: boolean,
  what: string,
): Promise<void> {
  for (let left = count; left > 0; ) {
    left -= skipStringsAtHand(cursor, left, littleEndian);
    if (left === 0) return;
    await cursor.fill(8, what);
    const length = readUnsigned64(cursor.takeView(8), 0, littleEndian);
    await cursor.skip(length, what);
    left--;
  }
}

/**
 * Steps over up to `count` strings that lie whole in the cursor's window, and returns how many they were. The
 * longest loop of reading a model: 400,000 rounds for Llama 3.
 */
function skipStringsAtHand(cursor: StreamCursor, count: number, littleEndian: boolean): number {
  const bytes = cursor.window();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lowAt = littleEndian ? 0 : 4;
  const highAt = 4 - lowAt;
  const end = bytes.length;
  let at = 0;
  let skipped = 0;
  while (skipped < count && at + 8 <= end) {
    const length = view.getUint32(at + lowAt, littleEndian);
    if (view.getUint32(at + highAt, littleEndian) !== 0) break;
    const next = at + 8 + length;
    if (next > end) break;
    at = next;
    skipped++;
  }
  cursor.advance(at);
  return skipped;
}
