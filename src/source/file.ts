import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { InspectError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import { fileError } from "./file-error.ts";
import { growingRanges } from "./growing-ranges.ts";
import { type Session, throwIfAborted } from "./session.ts";

/** Opening a FIFO waits for a writer unless told not to; regular files do not care. Absent on Windows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a regular file. One handle serves all reads; `close` compares size and time with those at opening and
 * throws `source-changed` when the file was written to in between.
 */
export async function openFile(
  session: Session,
  path: string,
  name: string,
  signal?: AbortSignal,
): Promise<ByteSource> {
  throwIfAborted(session, signal);
  const handle = await open(path, OPEN_FLAGS).catch((cause: unknown) => {
    throw fileError(path, cause);
  });
  try {
    const before = await handle.stat();
    requireRegular(path, before);
    return fileSource(session, handle, before, path, name);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function requireRegular(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  const kind = stats.isDirectory() ? "a directory" : stats.isFIFO() ? "a pipe" : "a device or socket";
  throw new InspectError("not-a-file", `${path} is ${kind}, not a regular file. Name the weight file itself.`, {
    source: path,
  });
}

function fileSource(session: Session, handle: FileHandle, before: Stats, path: string, name: string): ByteSource {
  let closed = false;
  const read = async (start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> => {
    throwIfAborted(session, signal);
    const bytes = new Uint8Array(end - start);
    let at = 0;
    while (at < bytes.byteLength) {
      const { bytesRead } = await handle.read(bytes, at, bytes.byteLength - at, start + at).catch((cause: unknown) => {
        throw fileError(path, cause);
      });
      if (bytesRead === 0) throw shortened(path, before.size, start + at);
      at += bytesRead;
    }
    throwIfAborted(session, signal);
    session.addBytes(bytes.byteLength);
    return bytes;
  };
  return {
    size: before.size,
    label: path,
    path: name,
    async read(start, end, signal) {
      if (start < 0 || end < start || end > before.size) throw shortened(path, before.size, end);
      return read(start, end, signal);
    },
    async *stream(start, signal) {
      for (const range of growingRanges(start, before.size)) yield read(range.start, range.end, signal);
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
        requireUnchanged(path, before, await handle.stat());
      } finally {
        await handle.close();
      }
    },
  };
}

/** A weight file: {@link openFile}, and its closing counts as progress. */
export async function openWeightFile(
  session: Session,
  path: string,
  name: string,
  signal?: AbortSignal,
): Promise<ByteSource> {
  const source = await openFile(session, path, name, signal);
  return {
    ...source,
    async close() {
      await source.close?.();
      session.endFile();
    },
  };
}

function shortened(path: string, bytes: number, at: number): InspectError {
  return new InspectError(
    "truncated",
    `${path} has ${bytes} bytes, and byte ${at} was asked for. Is the download incomplete?`,
    { source: path, offset: at },
  );
}

function requireUnchanged(path: string, before: Stats, after: Stats): void {
  if (after.size === before.size && after.mtimeMs === before.mtimeMs) return;
  throw new InspectError(
    "source-changed",
    `${path} was written to while it was being read (${before.size} bytes, then ${after.size}). Wait until the download is done.`,
    { source: path },
  );
}
