import { isInspectError } from "../errors.ts";
import { concatBytes } from "./concat-bytes.ts";
import type { RangeBody } from "./http-range.ts";

/** The first answer, kept open, and what has been pulled out of it so far: early reads are served from it. */
export type Head = {
  readonly body: RangeBody;
  pulled(): readonly Uint8Array[];
  pulledBytes(): number;
  /** Pulls one chunk; false at the end. */
  pull(): Promise<boolean>;
  /** What it holds of `[start, end)`, from `start` on; undefined when that is far away, or it is in use or broken. */
  read(start: number, end: number): Promise<Uint8Array | undefined>;
  isBusy(): boolean;
};

/** Skipping this much of an open answer is cheaper than a new request. */
const NEAR_BYTES = 65_536;

/** A server that ignores ranges is read to any place below `unrangedBytes`. */
export function headOf(body: RangeBody, unrangedBytes: number): Head {
  const chunks: Uint8Array[] = [];
  let pulledBytes = 0;
  let busy = false;
  let broken = false;

  async function pull(): Promise<boolean> {
    const chunk = await body.next();
    if (chunk === undefined) return false;
    chunks.push(chunk);
    pulledBytes += chunk.byteLength;
    return true;
  }

  async function read(start: number, end: number): Promise<Uint8Array | undefined> {
    const reach = Math.min(end, body.end ?? end);
    const near = start <= pulledBytes + NEAR_BYTES || (!body.ranged && end <= unrangedBytes);
    if (busy || broken || start >= reach || !near) return undefined;
    busy = true;
    try {
      while (pulledBytes < reach) if (!(await pull())) break;
      return concatBytes(chunks).slice(start, reach);
    } catch (error) {
      if (!isInspectError(error, "network")) throw error;
      broken = true;
      return undefined;
    } finally {
      busy = false;
    }
  }

  return { body, pulled: () => chunks, pulledBytes: () => pulledBytes, pull, read, isBusy: () => busy };
}
