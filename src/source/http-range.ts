import { InspectError } from "../errors.ts";
import { integerHeader, whereOf } from "./http-failure.ts";
import type { Identity } from "./http-identity.ts";
import { type HttpTarget, type Reply, request } from "./http-request.ts";
import type { Session } from "./session.ts";

/** The bytes of one reply, trimmed to what was promised. */
export type RangeBody = {
  readonly start: number;
  /** Where the reply promises to end, exclusive; undefined for an answer of unknown length. */
  readonly end: number | undefined;
  /** False when the server sent the whole file instead of the range. */
  readonly ranged: boolean;
  readonly identity: Identity;
  next(): Promise<Uint8Array | undefined>;
  /** Done with it: what little is left is read, so that its connection can be used again; more is cut off. */
  release(): void;
  /** Cuts it off. */
  cancel(): void;
};

/** This much takes less time than a new connection does, on all but the slowest lines. */
const WORTH_DRAINING_BYTES = 131_072;

const CONTENT_RANGE = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/;

/**
 * Asks for `[start, end)` and checks that the answer is that: its start, its end, its encoding. A server that
 * ignores the range may be read from byte 0, since those are the bytes wanted first. `totalBytes`: length of the file,
 * where it is known.
 */
export async function requestRange(
  session: Session,
  target: HttpTarget,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
  totalBytes: number = end,
): Promise<RangeBody> {
  const reply = await request(session, target, { range: { start, end }, signal });
  try {
    return checkedBody(session, target, reply, start, end, Math.min(end, totalBytes));
  } catch (error) {
    reply.cancel();
    throw error;
  }
}

function checkedBody(
  session: Session,
  target: HttpTarget,
  reply: Reply,
  start: number,
  end: number,
  lastPossible: number,
): RangeBody {
  const { status, headers } = reply;
  if (status === 416) return unsatisfied(target, reply, start);
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw mismatch(target, reply, `compressed (${encoding.slice(0, 40)}), so that positions in it mean nothing`);
  }
  const match = CONTENT_RANGE.exec((headers.get("content-range") ?? "").trim());
  const length = integerHeader(headers, "content-length");
  // Some servers give the part asked for, and name it, under 200: the file API of modelscope.cn.
  const isPart = match !== null && Number(match[1]) === start && Number(match[2]) + 1 - start === length;
  if (status === 200 && !isPart) return wholeBody(session, target, reply, start);
  if (match === null) {
    // CORS hides Content-Range unless the server exposes it; an exact length says as much.
    if (length !== lastPossible - start) throw mismatch(target, reply, "without a readable Content-Range");
    return body(target, reply, start, lastPossible, true, undefined);
  }
  const [first, last] = [Number(match[1]), Number(match[2])];
  const total = match[3] === "*" ? undefined : Number(match[3]);
  if (first !== start || last < first || last >= end || (total !== undefined && last >= total)) {
    throw mismatch(target, reply, `for bytes ${match[1]}-${match[2]} of ${match[3]}`);
  }
  return body(target, reply, start, last + 1, true, total);
}

function mismatch(target: HttpTarget, reply: Reply, what: string): InspectError {
  return new InspectError(
    "range-not-supported",
    `The server was asked for part of ${target.label} and answered ${what}. Reading headers needs byte ranges: download the file, or use another server.`,
    whereOf(target, reply.status, reply.headers),
  );
}

/** 416: an empty file has no first byte to give; anything else is shorter than it was. */
function unsatisfied(target: HttpTarget, reply: Reply, start: number): RangeBody {
  const said = /^bytes \*\/(\d{1,16})$/.exec((reply.headers.get("content-range") ?? "").trim());
  reply.cancel();
  if (said !== null && start === 0 && Number(said[1]) === 0) {
    return { ...body(target, reply, 0, 0, true, 0), next: () => Promise.resolve(undefined) };
  }
  throw new InspectError(
    "truncated",
    `${target.label} has no byte ${start}: the server says it is ${said === null ? "shorter" : `${said[1]} bytes`}. Try again; if it stays, the upload is incomplete.`,
    { ...whereOf(target, reply.status, reply.headers), offset: start },
  );
}

function wholeBody(session: Session, target: HttpTarget, reply: Reply, start: number): RangeBody {
  const total = integerHeader(reply.headers, "content-length");
  const whole = body(target, reply, 0, total, false, total);
  if (start === 0) return whole;
  if (total === undefined || total > session.options.limits.unrangedBytes) {
    throw mismatch(target, reply, `with the whole file of ${total ?? "unknown"} bytes`);
  }
  return skipTo(whole, start);
}

function skipTo(whole: RangeBody, start: number): RangeBody {
  let toSkip = start;
  return {
    ...whole,
    start,
    async next() {
      for (;;) {
        const chunk = await whole.next();
        if (chunk === undefined || toSkip === 0) return chunk;
        const skipped = Math.min(toSkip, chunk.byteLength);
        toSkip -= skipped;
        if (skipped < chunk.byteLength) return chunk.subarray(skipped);
      }
    },
  };
}

function body(
  target: HttpTarget,
  reply: Reply,
  start: number,
  end: number | undefined,
  ranged: boolean,
  total: number | undefined,
): RangeBody {
  const source = reply.headers.has("etag") || reply.headers.has("last-modified") ? reply.headers : reply.firstHeaders;
  let at = start;
  return {
    start,
    end,
    ranged,
    identity: {
      bytes: total,
      // A hub's own hash first: the caches behind it may tag one upload differently. A weak and a strong tag of
      // one value name the same upload, since caches downgrade them.
      etag: (reply.firstHeaders.get("x-linked-etag") ?? source.get("etag"))?.replace(/^W\//, ""),
      lastModified: source.get("last-modified") ?? undefined,
      commit: reply.firstHeaders.get("x-repo-commit") ?? undefined,
    },
    async next() {
      const chunk = await reply.next();
      if (chunk === undefined) return undefined;
      at += chunk.byteLength;
      if (end === undefined || at <= end) return chunk;
      reply.cancel();
      throw mismatch(target, reply, `with more bytes than the ${end - start} it announced`);
    },
    release() {
      const left = (end ?? Number.POSITIVE_INFINITY) - at;
      if (left <= WORTH_DRAINING_BYTES) reply.drain();
      else reply.cancel();
    },
    cancel: reply.cancel,
  };
}
