import { InspectError } from "../../errors.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import type { ReadingOptions } from "../reading.ts";
import { decodeGgufString, fixedTypeBytes, readFixed, readUnsigned64 } from "./scalar.ts";
import type { GgufArrayReference, GgufScalar } from "./value.ts";

/**
 * Reads the entries of an array that the header reader skipped, from the file it was found in. Throws
 * `source-changed` when the bytes are no longer what they were.
 */
export async function readGgufArray(
  source: ByteSource,
  reference: GgufArrayReference,
  littleEndian: boolean,
  options: Pick<ReadingOptions, "signal">,
): Promise<readonly GgufScalar[]> {
  const { elementType, length, offset, bytes } = reference;
  if (offset + bytes > source.size) throw changed(source, reference);
  const data = await source.read(offset, offset + bytes, options.signal);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (elementType === "string") return readStrings(data, view, littleEndian, source, reference);
  if (elementType === "array" || data.length !== length * fixedTypeBytes(elementType)) throw changed(source, reference);
  const elementBytes = fixedTypeBytes(elementType);
  return Array.from({ length }, (_, index) => readFixed(view, index * elementBytes, elementType, littleEndian));
}

function readStrings(
  data: Uint8Array,
  view: DataView,
  littleEndian: boolean,
  source: ByteSource,
  reference: GgufArrayReference,
): readonly string[] {
  const strings: string[] = [];
  let at = 0;
  while (strings.length < reference.length) {
    if (at + 8 > data.length) throw changed(source, reference);
    const length = readUnsigned64(view, at, littleEndian);
    at += 8;
    if (length > data.length - at) throw changed(source, reference);
    const end = at + Number(length);
    strings.push(decodeGgufString(data.subarray(at, end)));
    at = end;
  }
  if (at !== data.length) throw changed(source, reference);
  return strings;
}

function changed(source: ByteSource, { offset, length }: GgufArrayReference): InspectError {
  return new InspectError(
    "source-changed",
    `${source.label}: the array of ${length} entries at byte ${offset} is not there any more. Inspect the file again.`,
    { source: source.label, offset },
  );
}
