import type { GgufFile } from "./read.ts";
import type { GgufArrayReference, GgufMetadata } from "./value.ts";

/** Where the long arrays of a header lie: what is common to all quantizations of one model. */
export type KnownLayout = {
  /** Bytes before the first array, between two, and after the last, up to the end of the header. */
  readonly segments: readonly number[];
  readonly arrays: ReadonlyMap<string, KnownArray>;
};

type KnownArray = Pick<GgufArrayReference, "elementType" | "length" | "bytes"> & {
  /** The key after it; undefined where the tensors follow. */
  readonly nextKey: string | undefined;
};

/** The layout of a header that was read in full; undefined where it has no long array to step over. */
export function layoutOf({ metadata, headerBytes }: GgufFile): KnownLayout | undefined {
  const arrays = new Map<string, KnownArray>();
  const segments: number[] = [];
  let end = 0;
  for (const [key, nextKey, { elementType, length, bytes, offset }] of longArrays(metadata)) {
    segments.push(offset - end);
    end = offset + bytes;
    arrays.set(key, { elementType, length, bytes, nextKey });
  }
  segments.push(headerBytes - end);
  return arrays.size === 0 ? undefined : { segments, arrays };
}

/**
 * True when a header that was read with the help of `layout` is what it would be if read in full: every array that was
 * stepped over is followed by the key that follows it in the first file. That the tables after them begin where each other
 * ends, and the last at the end of the file, is checked where they are read.
 */
export function followsLayout({ metadata }: GgufFile, layout: KnownLayout): boolean {
  for (const [key, nextKey, { elementType }] of longArrays(metadata)) {
    if (elementType === "string" && layout.arrays.get(key)?.nextKey !== nextKey) return false;
  }
  return true;
}

function* longArrays(
  metadata: GgufMetadata,
): Generator<readonly [key: string, nextKey: string | undefined, reference: GgufArrayReference]> {
  const keys = [...metadata.keys()];
  for (const [index, key] of keys.entries()) {
    const value = metadata.get(key);
    if (value !== undefined && "reference" in value) yield [key, keys[index + 1], value.reference];
  }
}

/** Bytes of a string array with this name and length in the first file; undefined when it has none such. */
export function knownStringBytes(layout: KnownLayout | undefined, key: string, length: number): number | undefined {
  const known = layout?.arrays.get(key);
  return known?.elementType === "string" && known.length === length ? known.bytes : undefined;
}
