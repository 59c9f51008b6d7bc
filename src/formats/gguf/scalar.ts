import type { GgufValueType } from "./value.ts";

/** The value types that take the same number of bytes every time. */
export type GgufFixedType = Exclude<GgufValueType, "string" | "array">;

type FixedValue = number | bigint | boolean;

type Codec = {
  readonly bytes: number;
  readonly read: (view: DataView, at: number, littleEndian: boolean) => FixedValue;
};

/** A 64-bit integer as a number while it is safe, a bigint beyond. */
function compact(value: bigint): number | bigint {
  const narrowed = Number(value);
  return Number.isSafeInteger(narrowed) ? narrowed : value;
}

const CODECS: Readonly<Record<GgufFixedType, Codec>> = {
  u8: { bytes: 1, read: (view, at) => view.getUint8(at) },
  i8: { bytes: 1, read: (view, at) => view.getInt8(at) },
  u16: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  i16: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  u32: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  i32: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  f32: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  bool: { bytes: 1, read: (view, at) => view.getUint8(at) !== 0 },
  u64: { bytes: 8, read: (view, at, little) => compact(view.getBigUint64(at, little)) },
  i64: { bytes: 8, read: (view, at, little) => compact(view.getBigInt64(at, little)) },
  f64: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
};

export function fixedTypeBytes(type: GgufFixedType): number {
  return CODECS[type].bytes;
}

export function readFixed(view: DataView, at: number, type: GgufFixedType, littleEndian: boolean): FixedValue {
  return CODECS[type].read(view, at, littleEndian);
}

/** An unsigned 64-bit length, count or offset. */
export function readUnsigned64(view: DataView, at: number, littleEndian: boolean): number | bigint {
  return compact(view.getBigUint64(at, littleEndian));
}

/** GGUF strings need not be UTF-8 (byte tokens are not): what does not decode becomes U+FFFD. */
const LOSSY = new TextDecoder("utf-8", { ignoreBOM: true });

export function decodeGgufString(bytes: Uint8Array): string {
  return LOSSY.decode(bytes);
}
