import { GGUF_VALUE_TYPES, type GgufScalar, type GgufValueType } from "../../src/formats/gguf/value.ts";
import { type ByteWriter, makeByteWriter } from "./byte-writer.ts";

type Text = string | Uint8Array;

/** A key and its value; every number that the file states can be made to lie. */
export type GgufKeySpec = {
  readonly key: Text;
  readonly type: GgufValueType | number;
  /** Raw bytes are written as they are, without a length. */
  readonly value?: GgufScalar | Uint8Array;
  readonly elementType?: GgufValueType | number;
  readonly values?: readonly (GgufScalar | Uint8Array)[];
  readonly keyLength?: number | bigint;
  readonly valueLength?: number | bigint;
};

export type GgufTensorSpec = {
  readonly name: Text;
  readonly shape: readonly (number | bigint)[];
  /** ggml type number; 0 (F32) by default. */
  readonly type?: number;
  readonly offset?: number | bigint;
  readonly dimensions?: number;
  readonly nameLength?: number | bigint;
};

export type GgufSpec = {
  readonly magic?: string;
  readonly version?: number;
  readonly littleEndian?: boolean;
  readonly keyCount?: number | bigint;
  readonly tensorCount?: number | bigint;
  readonly keys?: readonly GgufKeySpec[];
  readonly tensors?: readonly GgufTensorSpec[];
  /** Used to pad the data section; 32 by default. Not written as a key. */
  readonly alignment?: number;
  /** Bytes after the padded header; none by default. */
  readonly dataBytes?: number;
};

/** Writes a GGUF file, right or wrong in any field. */
export function writeGguf(spec: GgufSpec): Uint8Array {
  const writer = makeByteWriter(spec.littleEndian ?? true);
  const keys = spec.keys ?? [];
  const tensors = spec.tensors ?? [];
  for (const character of spec.magic ?? "GGUF") writer.u8(character.charCodeAt(0));
  writer.u32(spec.version ?? 3);
  writer.u64(spec.tensorCount ?? tensors.length);
  writer.u64(spec.keyCount ?? keys.length);
  for (const key of keys) writeKey(writer, key);
  for (const tensor of tensors) writeTensorInfo(writer, tensor);
  if (tensors.length > 0) writer.pad(spec.alignment ?? 32);
  writer.zeros(spec.dataBytes ?? 0);
  return writer.bytes();
}

function writeKey(writer: ByteWriter, spec: GgufKeySpec): void {
  writeText(writer, spec.key, spec.keyLength);
  writer.u32(typeNumber(spec.type));
  if (spec.elementType !== undefined) {
    const values = spec.values ?? [];
    writer.u32(typeNumber(spec.elementType));
    writer.u64(spec.valueLength ?? values.length);
    for (const value of values) writeValue(writer, spec.elementType, value);
  } else if (spec.value !== undefined) {
    writeValue(writer, spec.type, spec.value, spec.valueLength);
  }
}

function writeTensorInfo(writer: ByteWriter, spec: GgufTensorSpec): void {
  writeText(writer, spec.name, spec.nameLength);
  writer.u32(spec.dimensions ?? spec.shape.length);
  for (const dimension of spec.shape) writer.u64(dimension);
  writer.u32(spec.type ?? 0);
  writer.u64(spec.offset ?? 0);
}

function writeText(writer: ByteWriter, text: Text, length?: number | bigint): void {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  writer.u64(length ?? bytes.length);
  writer.raw(bytes);
}

function typeNumber(type: GgufValueType | number): number {
  return typeof type === "number" ? type : GGUF_VALUE_TYPES.indexOf(type);
}

function writeValue(
  writer: ByteWriter,
  type: GgufValueType | number,
  value: GgufScalar | Uint8Array,
  length?: number | bigint,
): void {
  if (typeof value === "string") writeText(writer, value, length);
  else if (value instanceof Uint8Array) writer.raw(value);
  else if (typeof type === "number") throw new Error("a value of an unknown type must be given as bytes");
  else WRITERS[type](writer, value);
}

type NumberWriter = (writer: ByteWriter, value: number | bigint | boolean) => void;

const u8: NumberWriter = (writer, value) => writer.u8(Number(value) & 0xff);
const u16: NumberWriter = (writer, value) => writer.u16(Number(value) & 0xffff);
const u32: NumberWriter = (writer, value) => writer.u32(Number(value) >>> 0);
const u64: NumberWriter = (writer, value) => writer.u64(BigInt(value));
const refuse: NumberWriter = () => {
  throw new Error("strings are given as text, arrays as values");
};

const WRITERS: Readonly<Record<GgufValueType, NumberWriter>> = {
  u8,
  i8: u8,
  u16,
  i16: u16,
  u32,
  i32: u32,
  f32: (writer, value) => writer.f32(Number(value)),
  bool: u8,
  string: refuse,
  array: refuse,
  u64,
  i64: u64,
  f64: (writer, value) => writer.f64(Number(value)),
};
