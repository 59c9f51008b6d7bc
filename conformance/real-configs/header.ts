import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { Entry } from "./published-shapes.ts";

const BYTES: { readonly [dtype: string]: number } = { F32: 4, F16: 2, BF16: 2, I8: 1, U8: 1 };

/** Writes a safetensors file with these tensors and a hole for their data; the length of its header. */
export function writeHeader(path: string, entries: ReadonlyMap<string, Entry>): number {
  const header: { [name: string]: Entry & { data_offsets: readonly number[] } } = {};
  let offset = 0;
  for (const [name, { dtype, shape }] of entries) {
    const end = offset + shape.reduce((product, size) => product * size, BYTES[dtype] ?? Number.NaN);
    header[name] = { dtype, shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = openSync(path, "w");
  writeSync(file, Buffer.concat([length, text]));
  ftruncateSync(file, length.length + text.length + offset);
  closeSync(file);
  return length.length + text.length;
}

/** The tensors of a safetensors file. */
export function readHeader(path: string): Map<string, Entry> {
  const file = openSync(path, "r");
  const length = Buffer.alloc(8);
  readSync(file, length);
  const text = Buffer.alloc(Number(length.readBigUInt64LE()));
  readSync(file, text, 0, text.length, 8);
  closeSync(file);
  const entries: [string, Entry][] = Object.entries(JSON.parse(text.toString()));
  return new Map(entries.filter(([name]) => name !== "__metadata__"));
}
