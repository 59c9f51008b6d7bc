import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { makeReporter } from "../../src/diagnostics.ts";
import { readGguf } from "../../src/formats/gguf/read.ts";
import { readGgufArray } from "../../src/formats/gguf/read-array.ts";
import type { GgufScalar, GgufValue, GgufValueType } from "../../src/formats/gguf/value.ts";
import type { ReadingOptions } from "../../src/formats/reading.ts";
import { readSafetensors } from "../../src/formats/safetensors/read.ts";
import type { TensorEntry } from "../../src/formats/tensor-entry.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import type { ByteSource } from "../../src/source/byte-source.ts";

/** Keys and tensors of one file, in a form two programs can be compared by. */
type Facts = {
  /** Name, type, value; for an array its length and a digest of its values. */
  readonly keys: readonly (readonly (string | number | boolean)[])[];
  /** Name, dtype, shape, offset in the file, bytes. */
  readonly tensors: readonly (readonly [string, string, readonly number[], number, number])[];
};

/** What a reader made of one file. `dump.py` writes the same. */
export type Dump = { readonly file: string } & (Facts | { readonly refused: string });

/** weighin's reading of one file. */
export async function dumpFile(file: string): Promise<Dump> {
  const source = await fileSource(file);
  const options: ReadingOptions = {
    limits: DEFAULT_LIMITS,
    report: makeReporter([], false),
    signal: undefined,
    file: 0,
  };
  try {
    return {
      file,
      ...((await startsWithGguf(source)) ? await dumpGguf(source, options) : await dumpSafetensors(source, options)),
    };
  } catch (error) {
    return { file, refused: String(error) };
  } finally {
    await source.close?.();
  }
}

async function dumpGguf(source: ByteSource, options: ReadingOptions): Promise<Facts> {
  const { metadata, tensors, littleEndian } = await readGguf(source, options);
  const keys = [];
  for (const [name, value] of metadata) keys.push([name, ...(await valueFacts(source, value, littleEndian, options))]);
  return { keys, tensors: tensors.map(tensorFacts) };
}

async function dumpSafetensors(source: ByteSource, options: ReadingOptions): Promise<Facts> {
  const { metadata, tensors } = await readSafetensors(source, options);
  return { keys: [...metadata].map(([name, value]) => [name, "string", value]), tensors: tensors.map(tensorFacts) };
}

async function valueFacts(
  source: ByteSource,
  value: GgufValue,
  littleEndian: boolean,
  options: ReadingOptions,
): Promise<readonly (string | number | boolean)[]> {
  if (value.type !== "array") return [value.type, scalarText(value.type, value.value)];
  const items = "values" in value ? value.values : await readGgufArray(source, value.reference, littleEndian, options);
  const sha = createHash("sha256");
  for (const item of items) {
    const text = scalarText(value.elementType, item);
    sha.update(typeof text === "string" ? text : JSON.stringify(text)).update("\n");
  }
  return [`array of ${value.elementType}`, items.length, sha.digest("hex")];
}

/** Floats as the bits of a double, whole numbers as text: no digit is lost on the way. */
function scalarText(type: GgufValueType, value: GgufScalar): string | boolean {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (type !== "f32" && type !== "f64") return String(value);
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(Number(value));
  return bytes.toString("hex");
}

function tensorFacts(tensor: TensorEntry): [string, string, readonly number[], number, number] {
  return [tensor.name, tensor.dtype, tensor.shape, tensor.offset, tensor.bytes];
}

async function fileSource(path: string): Promise<ByteSource> {
  const handle = await open(path);
  const { size } = await handle.stat();
  return {
    size,
    label: path,
    read: async (start, end) => {
      const bytes = new Uint8Array(end - start);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
      return bytes.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}

async function startsWithGguf(source: ByteSource): Promise<boolean> {
  return Buffer.from(await source.read(0, 4)).toString("latin1") === "GGUF";
}
