import { InspectError, isInspectError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import type { Session } from "./session.ts";
import { type Watch, watchRequest } from "./watch.ts";

/** Only the caller knows how long a source of its own may be silent. */
const NEVER_IDLE_MS = Number.POSITIVE_INFINITY;

/** A caller's own source: its reads are counted and bounded in time, and nothing else vouches for what they give. */
export function countedSource(session: Session, source: ByteSource): ByteSource {
  const { label } = source;
  const { stream } = source;

  /** Whatever the caller's code does: it ends with the caller's signal or time, and its failure has a code. */
  async function guarded<T>(watch: Watch, offset: number, step: () => Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await watch.wait(Promise.resolve(step()));
    } catch (cause) {
      throw watch.signal.aborted ? watch.signal.reason : rejected(label, offset, cause);
    }
  }

  function counted(bytes: unknown, offset: number): Uint8Array {
    if (!isBytes(bytes)) {
      throw new InspectError(
        "unreadable",
        `${label} gave no Uint8Array at byte ${offset}. ByteSource.read and ByteSource.stream must give Uint8Arrays.`,
        { source: label, offset },
      );
    }
    session.addBytes(bytes.byteLength);
    return bytes;
  }

  async function* countedStream(start: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    session.addRequest();
    const watch = watchRequest(session, label, signal, NEVER_IDLE_MS);
    let iterator: AsyncIterator<Uint8Array> | undefined;
    let at = start;
    try {
      for (;;) {
        const next = await guarded(watch, at, () => {
          iterator ??= source.stream?.(start, watch.signal)[Symbol.asyncIterator]();
          return iterator?.next();
        });
        if (next === undefined || next.done === true) return;
        const chunk = counted(next.value, at);
        at += chunk.byteLength;
        yield chunk;
      }
    } finally {
      try {
        // After an abort its last step may never settle, and a generator would wait for it.
        if (!watch.signal.aborted) await guarded(watch, at, () => iterator?.return?.());
      } finally {
        watch.end();
      }
    }
  }

  return {
    size: source.size,
    label,
    ...(source.path !== undefined && { path: source.path }),
    async read(start, end, signal) {
      session.addRequest();
      const watch = watchRequest(session, label, signal, NEVER_IDLE_MS);
      try {
        const bytes = counted(await guarded(watch, start, () => source.read(start, end, watch.signal)), start);
        if (bytes.byteLength === end - start) return bytes;
        throw new InspectError(
          "truncated",
          `${label} gave ${bytes.byteLength} bytes where ${end - start} were asked for at byte ${start}. ByteSource.read must give exactly the range.`,
          { source: label, offset: start },
        );
      } finally {
        watch.end();
      }
    },
    ...(stream !== undefined && { stream: countedStream }),
    version: () => source.version?.(),
    async close() {
      session.endFile();
      try {
        await source.close?.();
      } catch (cause) {
        throw rejected(label, source.size, cause);
      }
    },
  };
}

function rejected(label: string, offset: number, cause: unknown): InspectError {
  if (isInspectError(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new InspectError(
    "unreadable",
    `${label} could not be read at byte ${offset}: ${reason}. Its ByteSource rejected; the cause says why.`,
    { source: label, offset },
    { cause },
  );
}

/** By tag, not by `instanceof`: the bytes may come from another realm (a frame, a worker's shim, a test's window). */
function isBytes(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === "[object Uint8Array]";
}
