/** Appends numbers and text in one byte order. */
export type ByteWriter = {
  u8(value: number): void;
  u16(value: number): void;
  u32(value: number): void;
  u64(value: number | bigint): void;
  f32(value: number): void;
  f64(value: number): void;
  raw(bytes: Uint8Array): void;
  /** Zeros up to the next multiple of `alignment`. */
  pad(alignment: number): void;
  zeros(count: number): void;
  readonly length: number;
  bytes(): Uint8Array;
};

export function makeByteWriter(littleEndian = true): ByteWriter {
  const parts: Uint8Array[] = [];
  let length = 0;
  const raw = (bytes: Uint8Array): void => {
    parts.push(bytes);
    length += bytes.length;
  };
  const number = (bytes: number, write: (view: DataView) => void): void => {
    const part = new Uint8Array(bytes);
    write(new DataView(part.buffer));
    raw(part);
  };
  return {
    u8: (value) => raw(Uint8Array.of(value)),
    u16: (value) => number(2, (view) => view.setUint16(0, value, littleEndian)),
    u32: (value) => number(4, (view) => view.setUint32(0, value, littleEndian)),
    u64: (value) => number(8, (view) => view.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), littleEndian)),
    f32: (value) => number(4, (view) => view.setFloat32(0, value, littleEndian)),
    f64: (value) => number(8, (view) => view.setFloat64(0, value, littleEndian)),
    raw,
    pad: (alignment) => raw(new Uint8Array((alignment - (length % alignment)) % alignment)),
    zeros: (count) => raw(new Uint8Array(count)),
    get length() {
      return length;
    },
    bytes: () => {
      const joined = new Uint8Array(length);
      let at = 0;
      for (const part of parts) {
        joined.set(part, at);
        at += part.length;
      }
      return joined;
    },
  };
}
