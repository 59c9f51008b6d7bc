import { InspectError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import { concatBytes } from "./concat-bytes.ts";
import { type Head, headOf } from "./http-head.ts";
import { type Identity, requireSameFile } from "./http-identity.ts";
import { type RangeBody, requestRange } from "./http-range.ts";
import { type HttpTarget, pauseBeforeRetry } from "./http-request.ts";
import { onAbort } from "./on-abort.ts";
import type { Session } from "./session.ts";

/** How a remote file is first touched. */
export type HttpPlan = {
  /** Bytes the first request asks for. It is also the first read: its body stays open for `stream(0)`. */
  readonly firstBytes: number;
  /** File name inside its set. */
  readonly path: string;
  /** Size a listing gave; a server that says otherwise has another file. */
  readonly expectedBytes?: number;
  /** Commit the address is pinned to: the version reported. */
  readonly commit?: string;
};

/** A remote file; `commit` is the one its server names. */
export type HttpSource = ByteSource & { readonly commit: string | undefined };

const MAX_BROKEN_BODIES = 3;
/** A stream whose first answer was too short asks for this much, then for four times as much, and so on. */
const FOLLOW_UP_BYTES = 1_048_576;

/**
 * Opens a remote file with the request that is also its first read. Later reads follow the same address; a reply
 * that tells another size, tag or date than the first is refused (`source-changed`).
 */
export async function openHttp(
  session: Session,
  target: HttpTarget,
  plan: HttpPlan,
  signal?: AbortSignal,
): Promise<HttpSource> {
  const opening = await requestRange(session, target, 0, plan.firstBytes, signal, plan.expectedBytes);
  const head = headOf(opening, session.options.limits.unrangedBytes);
  try {
    const bytes = await sizeOf(session, target, plan, opening, head);
    const identity = { ...opening.identity, bytes };
    requireSameFile(target.label, { ...identity, bytes: plan.expectedBytes ?? bytes, commit: plan.commit }, identity);
    return httpSource(session, target, plan, bytes, identity, head);
  } catch (error) {
    opening.cancel();
    throw error;
  }
}

/** From the reply, else the listing, else by reading an answer of unknown length to its end if it is short. */
async function sizeOf(
  session: Session,
  target: HttpTarget,
  plan: HttpPlan,
  opening: RangeBody,
  head: Head,
): Promise<number> {
  const known = opening.identity.bytes ?? plan.expectedBytes;
  if (known !== undefined) return known;
  const { unrangedBytes } = session.options.limits;
  if (!opening.ranged) {
    while (head.pulledBytes() <= unrangedBytes) if (!(await head.pull())) return head.pulledBytes();
  }
  throw new InspectError(
    "range-not-supported",
    `The server does not say how long ${target.label} is. It must expose Content-Range (in browsers: Access-Control-Expose-Headers) or Content-Length; else download the file.`,
    { source: target.label },
  );
}

function httpSource(
  session: Session,
  target: HttpTarget,
  plan: HttpPlan,
  bytes: number,
  identity: Identity,
  opened: Head,
): HttpSource {
  let head: Head | undefined = opened;
  let closed = false;
  const open = new Set<RangeBody>([opened.body]);

  const ask = async (start: number, end: number, signal: AbortSignal | undefined): Promise<RangeBody> => {
    const body = await requestRange(session, target, start, end, signal);
    open.add(body);
    try {
      requireSameFile(target.label, identity, body.identity);
    } catch (error) {
      release(body);
      throw error;
    }
    return body;
  };
  const release = (body: RangeBody | undefined) => {
    if (body === undefined) return;
    open.delete(body);
    body.release();
  };

  /** Chunks of `[start, end)`, asking again for what a broken or short answer left out. */
  async function* chunks(
    start: number,
    end: number,
    first: Head | undefined,
    signal: AbortSignal | undefined,
    followUpBytes = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    let askBytes = followUpBytes;
    let at = start;
    let body: RangeBody | undefined = first?.body;
    let short = 0;
    let broken = 0;
    // A body asked for here heeds `signal` by itself; the first one was opened under another.
    const unlink = signal && onAbort(signal, () => first?.body.cancel());
    try {
      for (const chunk of first?.pulled() ?? []) {
        at += chunk.byteLength;
        yield chunk;
      }
      while (at < end) {
        signal?.throwIfAborted();
        if (body === undefined) {
          body = await ask(at, Math.min(end, at + askBytes), signal);
          askBytes *= 4;
        }
        let chunk: Uint8Array | undefined;
        try {
          chunk = await body.next();
        } catch (error) {
          signal?.throwIfAborted();
          if (!(error instanceof InspectError) || error.code !== "network") throw error;
          broken += 1;
          if (broken >= MAX_BROKEN_BODIES) throw error;
          release(body);
          body = undefined;
          await pauseBeforeRetry(broken, session, target.label, signal);
          continue;
        }
        if (chunk === undefined) {
          // An answer may end where it said it would (a server that caps ranges), or short of that: once is bad luck.
          if (at < (body.end ?? bytes)) short += 1;
          if (short > 1) throw cutShort(target, at, bytes);
          release(body);
          body = undefined;
          continue;
        }
        const usable = chunk.byteLength > end - at ? chunk.subarray(0, end - at) : chunk;
        at += usable.byteLength;
        yield usable;
      }
    } finally {
      unlink?.();
      release(body);
    }
  }

  return {
    size: bytes,
    label: target.label,
    path: plan.path,
    commit: identity.commit,
    async read(start, end, signal) {
      signal?.throwIfAborted();
      if (start < 0 || end < start || end > bytes) throw cutShort(target, end, bytes);
      const early = await head?.read(start, end);
      const parts = early === undefined ? [] : [early];
      for await (const chunk of chunks(start + (early?.byteLength ?? 0), end, undefined, signal)) parts.push(chunk);
      return concatBytes(parts);
    },
    async *stream(start, signal) {
      signal?.throwIfAborted();
      const first = start === 0 && head?.isBusy() === false ? head : undefined;
      if (first !== undefined) head = undefined;
      yield* chunks(start, bytes, first, signal, Math.max(plan.firstBytes, FOLLOW_UP_BYTES));
    },
    version: () => plan.commit ?? identity.etag,
    async close() {
      if (closed) return;
      closed = true;
      for (const body of open) body.cancel();
      open.clear();
      session.endFile();
    },
  };
}

function cutShort(target: HttpTarget, at: number, bytes: number): InspectError {
  return new InspectError(
    "truncated",
    `${target.label} should have ${bytes} bytes, and reading up to byte ${at} was not possible. Try again; if it stays, the upload is incomplete.`,
    { source: target.label, offset: at },
  );
}
