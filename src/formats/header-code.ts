import type { Diagnostic } from "../diagnostics.ts";
import type { GgufFile } from "./gguf/read.ts";
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

type Stored = {
  readonly version: number;
  readonly file: Omit<StoredHeader<unknown>, "header">;
  readonly header: { readonly [field: string]: unknown };
  readonly metadata: readonly (readonly [key: string, value: unknown])[];
  readonly tensors: readonly TensorRow[];
};

/** A header as bytes to keep: JSON, with what JSON cannot carry (bigints, NaN) as tagged text. */
export function encodeHeader({ header, ...file }: StoredHeader<Header>): Uint8Array {
  const { metadata, tensors, ...rest } = header;
  const rows = tensors.map(
    ({ name, dtype, shape, elements, bytes, offset }): TensorRow => [name, dtype, shape, elements, bytes, offset],
  );
  const stored: Stored = { version: VERSION, file, header: rest, metadata: [...metadata], tensors: rows };
  return new TextEncoder().encode(JSON.stringify(stored, (_, value) => tagged(value)));
}

/** What {@link encodeHeader} wrote, for the file with that place in its set; undefined for anything else. */
export function decodeHeader<Kind extends Header>(bytes: Uint8Array, file: number): StoredHeader<Kind> | undefined {
  try {
    const stored: Stored = JSON.parse(new TextDecoder().decode(bytes), (_, value) => untagged(value));
    if (stored.version !== VERSION) return undefined;
    const tensors = stored.tensors.map(
      ([name, dtype, shape, elements, tensorBytes, offset]): TensorEntry => ({
        name,
        dtype,
        shape,
        elements,
        bytes: tensorBytes,
        file,
        offset,
      }),
    );
    const header = { ...stored.header, metadata: new Map(stored.metadata), tensors } as unknown as Kind;
    return { ...stored.file, header };
  } catch {
    return undefined;
  }
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
