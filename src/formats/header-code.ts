import type { Diagnostic } from "../diagnostics.ts";
import type { GgufFile } from "./gguf/read.ts";
import type { GgufValue } from "./gguf/value.ts";
import type { SafetensorsFile } from "./safetensors/read.ts";
import type { TensorEntry } from "./tensor-entry.ts";

/** A header as it was read, with what else is needed of its file. */
export type StoredHeader<Header> = {
  readonly path: string;
  /** Length of the file. */
  readonly bytes: number;
  readonly header: Header;
  readonly diagnostics: readonly Diagnostic[];
};

type Header = GgufFile | SafetensorsFile;

/** Changes whenever what is written below does. */
const VERSION = 1;

type TensorRow = readonly [
  name: string,
  dtype: string,
  shape: readonly number[],
  elements: number,
  bytes: number,
  offset: number,
];

type Entry<Value> = readonly [key: string, value: Value];

/** What is written of a header: its maps as lists. */
type Stored<Kind extends Header, Value> = {
  readonly version: number;
  readonly file: Omit<StoredHeader<unknown>, "header">;
  readonly header: Omit<Kind, "metadata" | "tensors">;
  readonly metadata: readonly Entry<Value>[];
  readonly tensors: readonly TensorRow[];
};

/** A header as bytes to keep: JSON, with what JSON cannot carry (bigints, NaN) as tagged text. */
export function encodeHeader({ header, ...file }: StoredHeader<Header>): Uint8Array {
  const { metadata, tensors, ...rest } = header;
  const rows = tensors.map(
    ({ name, dtype, shape, elements, bytes, offset }): TensorRow => [name, dtype, shape, elements, bytes, offset],
  );
  const stored: Stored<Header, unknown> = {
    version: VERSION,
    file,
    header: rest,
    metadata: [...metadata],
    tensors: rows,
  };
  return new TextEncoder().encode(JSON.stringify(stored, (_, value) => tagged(value)));
}

/** Reads back what {@link encodeHeader} wrote, for the file with that place in its set; undefined for anything else. */
export type DecodeHeader<Kind> = (bytes: Uint8Array, file: number) => StoredHeader<Kind> | undefined;

export const decodeGgufHeader: DecodeHeader<GgufFile> = (bytes, file) =>
  decoded<GgufFile, GgufValue>(bytes, ({ header, metadata, tensors }) => ({
    ...header,
    metadata: new Map(metadata),
    tensors: tensors.map((row) => tensorOf(row, file)),
  }));

export const decodeSafetensorsHeader: DecodeHeader<SafetensorsFile> = (bytes, file) =>
  decoded<SafetensorsFile, string>(bytes, ({ header, metadata, tensors }) => ({
    ...header,
    metadata: new Map(metadata),
    tensors: tensors.map((row) => tensorOf(row, file)),
  }));

function decoded<Kind extends Header, Value>(
  bytes: Uint8Array,
  join: (stored: Stored<Kind, Value>) => Kind,
): StoredHeader<Kind> | undefined {
  try {
    const stored: Stored<Kind, Value> = JSON.parse(new TextDecoder().decode(bytes), (_, value) => untagged(value));
    return stored.version === VERSION ? { ...stored.file, header: join(stored) } : undefined;
  } catch {
    return undefined;
  }
}

function tensorOf([name, dtype, shape, elements, bytes, offset]: TensorRow, file: number): TensorEntry {
  return { name, dtype, shape, elements, bytes, file, offset };
}

const BIGINT_TAG = "$bigint";
const NUMBER_TAG = "$number";

function tagged(value: unknown): unknown {
  if (typeof value === "bigint") return { [BIGINT_TAG]: value.toString() };
  if (typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return { [NUMBER_TAG]: Object.is(value, -0) ? "-0" : String(value) };
}

function untagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (BIGINT_TAG in value) return BigInt(String(value[BIGINT_TAG]));
  return NUMBER_TAG in value ? Number(value[NUMBER_TAG]) : value;
}
