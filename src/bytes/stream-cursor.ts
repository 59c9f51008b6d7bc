import { InspectError } from "../errors.ts";

/** What bounds a {@link StreamCursor}. */
export type StreamBounds = {
  readonly label: string;
  /** Length of the whole source in bytes. */
  readonly sizeBytes: number;
  /** Bytes that may be read of it; below `sizeBytes` when a budget is smaller than the source. */
  readonly limitBytes: number;
  /** The budget's name, for the message. */
  readonly limitName: string;
  readonly signal: AbortSignal | undefined;
  /** Chunks from an offset on: where given, what is skipped and has not arrived is not waited for. */
  readonly jump?: (offset: number) => AsyncIterable<Uint8Array>;
};

/**
 * A reading position in a byte stream. What has arrived is read synchronously; what has not is waited for with
 * `fill` or `skip`, after the length wanted has been checked against the bytes that remain. Consumed chunks are
 * dropped.
 */
export type StreamCursor = {
  /** Absolute offset of the next byte. */
  readonly offset: number;
  /** Bytes from here to the end of the source, or of the budget when that ends sooner. */
  readonly readableBytes: number;
  /** The bytes at hand, from the next one on. */
  window(): Uint8Array;
  /** True when `length` bytes are at hand in one piece. */
  has(length: number): boolean;
  /** Consumes `length` bytes that are at hand. */
  take(length: number): Uint8Array;
  /** Like `take`, for reading numbers. */
  takeView(length: number): DataView;
  /** Consumes `length` bytes that are at hand without looking at them. */
  advance(length: number): void;
  /** Brings `length` bytes to hand. Throws `truncated` or `limit-exceeded`, at once, when they cannot be had. */
  fill(length: number | bigint, what: string): Promise<void>;
  /** Consumes `length` bytes, at hand or not, keeping none. Throws like `fill`. */
  skip(length: number | bigint, what: string): Promise<void>;
  /** Throws `truncated` or `limit-exceeded` unless `length` bytes can be had. */
  require(length: number | bigint, what: string): void;
  /** Ends the stream early, so that the source can cancel what is under way. */
  close(): Promise<void>;
};

const NOTHING: Uint8Array = new Uint8Array(0);

export function makeStreamCursor(chunks: AsyncIterable<Uint8Array>, bounds: StreamBounds): StreamCursor {
  const { label, sizeBytes, signal } = bounds;
  const endBytes = Math.min(sizeBytes, bounds.limitBytes);
  let iterator = chunks[Symbol.asyncIterator]();
  let current = NOTHING;
  let at = 0;
  /** Bytes that arrived in the chunk last pulled and lie behind `current`. */
  let behind = NOTHING;
  let pulledBytes = 0;
  let offset = 0;

  function require(length: number | bigint, what: string): void {
    const left = sizeBytes - offset;
    if (length > left) {
      const missing = BigInt(length) - BigInt(left);
      throw new InspectError(
        "truncated",
        `${label} ends at byte ${sizeBytes}, ${missing} bytes before the end of ${what}, which starts at byte ${offset} and takes ${length}. Is the download incomplete?`,
        { source: label, offset },
      );
    }
    if (length > endBytes - offset) {
      throw new InspectError(
        "limit-exceeded",
        `${label}: ${what} ends beyond byte ${endBytes}, the most that is read of a header. Raise limits.${bounds.limitName} to read it.`,
        { source: label, offset },
      );
    }
  }

  /** The next non-empty chunk, cut where reading must stop. */
  async function pull(): Promise<Uint8Array> {
    if (behind.length > 0) {
      const chunk = behind;
      behind = NOTHING;
      return chunk;
    }
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await iterator.next();
      signal?.throwIfAborted();
      if (done) {
        throw new InspectError(
          "truncated",
          `${label} ended at byte ${pulledBytes}, though its length was given as ${sizeBytes} bytes. Read it again.`,
          { source: label, offset: pulledBytes },
        );
      }
      if (value.length === 0) continue;
      const chunk = value.length > endBytes - pulledBytes ? value.subarray(0, endBytes - pulledBytes) : value;
      pulledBytes += chunk.length;
      return chunk;
    }
  }

  function advance(length: number): void {
    at += length;
    offset += length;
    if (at === current.length) {
      current = behind;
      behind = NOTHING;
      at = 0;
    }
  }

  async function fill(length: number | bigint, what: string): Promise<void> {
    require(length, what);
    const wanted = Number(length);
    let filled = current.length - at;
    if (filled >= wanted) return;
    if (filled === 0) {
      current = await pull();
      at = 0;
      filled = current.length;
      if (filled >= wanted) return;
    }
    const joined = new Uint8Array(wanted);
    joined.set(at === 0 ? current : current.subarray(at));
    while (filled < wanted) {
      const chunk = await pull();
      const part = Math.min(chunk.length, wanted - filled);
      joined.set(chunk.subarray(0, part), filled);
      filled += part;
      behind = chunk.subarray(part);
    }
    current = joined;
    at = 0;
  }

  async function skip(length: number | bigint, what: string): Promise<void> {
    require(length, what);
    let left = Number(length);
    for (;;) {
      const part = Math.min(left, current.length - at);
      advance(part);
      left -= part;
      if (left === 0) return;
      if (at === current.length && bounds.jump !== undefined && behind.length === 0) {
        await jumpTo(offset + left, bounds.jump);
        return;
      }
      if (at === current.length) {
        current = await pull();
        at = 0;
      }
    }
  }

  async function jumpTo(target: number, jump: NonNullable<StreamBounds["jump"]>): Promise<void> {
    await iterator.return?.();
    iterator = jump(target)[Symbol.asyncIterator]();
    current = NOTHING;
    at = 0;
    offset = target;
    pulledBytes = target;
  }

  function take(length: number): Uint8Array {
    const taken = current.subarray(at, at + length);
    advance(length);
    return taken;
  }

  return {
    get offset() {
      return offset;
    },
    get readableBytes() {
      return endBytes - offset;
    },
    window: () => (at === 0 ? current : current.subarray(at)),
    has: (length) => current.length - at >= length,
    take,
    takeView: (length) => {
      const bytes = take(length);
      return new DataView(bytes.buffer, bytes.byteOffset, length);
    },
    advance,
    fill,
    skip,
    require,
    close: async () => {
      try {
        await iterator.return?.();
      } catch {
        // What was needed has been read; a source that fails to stop cannot make it wrong.
      }
    },
  };
}
