import { InspectError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import { growingRanges } from "./growing-ranges.ts";
import { type Session, throwIfAborted } from "./session.ts";

/** A `Blob` or `File`: read slice by slice, nothing is uploaded or copied whole. */
export function blobSource(session: Session, blob: Blob): ByteSource {
  const name = "name" in blob && typeof blob.name === "string" && blob.name !== "" ? blob.name : undefined;
  const label = name ?? "blob";
  const read = async (start: number, end: number, signal?: AbortSignal): Promise<Uint8Array> => {
    throwIfAborted(session, signal);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(await blob.slice(start, end).arrayBuffer());
    } catch (cause) {
      throw new InspectError(
        "unreadable",
        `${label} could not be read at byte ${start}: the file behind it may have changed or gone. Choose it again.`,
        { source: label, offset: start },
        { cause },
      );
    }
    if (bytes.byteLength !== end - start) {
      throw new InspectError(
        "truncated",
        `${label} gave ${bytes.byteLength} bytes where ${end - start} were asked for at byte ${start}. Choose the file again.`,
        { source: label, offset: start },
      );
    }
    session.addBytes(bytes.byteLength);
    return bytes;
  };
  return {
    size: blob.size,
    label,
    ...(name !== undefined && { path: name }),
    read,
    async *stream(start, signal) {
      for (const range of growingRanges(start, blob.size)) yield read(range.start, range.end, signal);
    },
    async close() {
      session.endFile();
    },
  };
}
