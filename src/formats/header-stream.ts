import { FILE_KIND_BYTES, fileKindOf } from "../bytes/file-kind.ts";
import { makeStreamCursor, type StreamCursor } from "../bytes/stream-cursor.ts";
import { InspectError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { ByteSource } from "../source/byte-source.ts";

const FIRST_READ_BYTES = 65_536;
const LARGEST_READ_BYTES = 4_194_304;

/** A source without `stream`, read piece by piece: small headers cost one small read, large ones few. */
async function* readInPieces(
  source: ByteSource,
  from: number,
  firstBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let pieceBytes = firstBytes;
  for (let start = from; start < source.size; ) {
    const end = Math.min(start + pieceBytes, source.size);
    const piece = await source.read(start, end, signal);
    if (piece.length !== end - start) {
      throw new InspectError(
        "unreadable",
        `${source.label}: read ${piece.length} bytes where ${end - start} were asked for, at byte ${start}.`,
        { source: source.label, offset: start },
      );
    }
    yield piece;
    start = end;
    pieceBytes = Math.min(pieceBytes * 4, LARGEST_READ_BYTES);
  }
}

/**
 * Reads a header through a cursor over the source's own stream, or over growing reads when it has none. The
 * stream is ended as soon as `parse` settles.
 */
export async function readHeader<Header>(
  source: ByteSource,
  budget: { readonly limitBytes: number; readonly limitName: keyof Limits },
  signal: AbortSignal | undefined,
  parse: (cursor: StreamCursor) => Promise<Header>,
): Promise<Header> {
  signal?.throwIfAborted();
  const chunks = source.stream?.(0, signal) ?? readInPieces(source, 0, FIRST_READ_BYTES, signal);
  return parseWith(makeStreamCursor(chunks, { label: source.label, sizeBytes: source.size, ...budget, signal }), parse);
}

/**
 * Reads a header whose long parts are skipped without being fetched. `segments` are the bytes expected between them, each
 * of which is one read; where one is longer than that, more follow.
 */
export async function readSegments<Header>(
  source: ByteSource,
  segments: readonly number[],
  budget: { readonly limitBytes: number; readonly limitName: keyof Limits },
  signal: AbortSignal | undefined,
  parse: (cursor: StreamCursor) => Promise<Header>,
): Promise<Header> {
  signal?.throwIfAborted();
  let jumps = 0;
  const piecesFrom = (offset: number): AsyncIterable<Uint8Array> => {
    const expected = segments[jumps] ?? 0;
    jumps += 1;
    return readInPieces(source, offset, segmentReadBytes(expected), signal);
  };
  const cursor = makeStreamCursor(piecesFrom(0), {
    label: source.label,
    sizeBytes: source.size,
    ...budget,
    signal,
    jump: piecesFrom,
  });
  return parseWith(cursor, parse);
}

/** A few keys more than in the file the segment is known from still fit. */
const SEGMENT_SLACK_BYTES = 1_024;

/** Bytes to read of a segment of which `expected` are known. */
export function segmentReadBytes(expected: number): number {
  return expected + SEGMENT_SLACK_BYTES;
}

async function parseWith<Header>(
  cursor: StreamCursor,
  parse: (cursor: StreamCursor) => Promise<Header>,
): Promise<Header> {
  try {
    return await parse(cursor);
  } finally {
    await cursor.close();
  }
}

/**
 * Throws what the file really is, when its first bytes tell. To be called before anything is consumed, once
 * it is clear that the file is not a `wanted` one.
 */
export async function rejectOtherFormat(
  cursor: StreamCursor,
  label: string,
  wanted: "gguf" | "safetensors",
): Promise<void> {
  const prefixBytes = Math.min(cursor.readableBytes, FILE_KIND_BYTES);
  await cursor.fill(prefixBytes, "its first bytes");
  const found = fileKindOf(cursor.window());
  if (found === undefined || found.kind === wanted) return;
  throw new InspectError(
    found.kind === "empty" ? "truncated" : "wrong-format",
    `${label} is not a ${wanted === "gguf" ? "GGUF" : wanted} file: it is ${found.phrase}. ${found.hint}`,
    { source: label, offset: 0 },
  );
}
