import { makeByteWriter } from "./byte-writer.ts";

export type SafetensorsSpec = {
  /** Header text, or its bytes when it is not text. */
  readonly header: string | Uint8Array;
  /** Length stated in the first 8 bytes; the true one by default. */
  readonly headerLength?: number | bigint;
  /** Bytes after the header; none by default. */
  readonly dataBytes?: number;
};

/** Writes a safetensors file, right or wrong in any field. */
export function writeSafetensors({ header, headerLength, dataBytes = 0 }: SafetensorsSpec): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const writer = makeByteWriter();
  writer.u64(headerLength ?? text.length);
  writer.raw(text);
  writer.zeros(dataBytes);
  return writer.bytes();
}

/** Header text of one tensor named `t`. */
export function entry(dtype: string, shape: readonly number[], offsets: readonly number[]): string {
  return JSON.stringify({ t: { dtype, shape, data_offsets: offsets } });
}
