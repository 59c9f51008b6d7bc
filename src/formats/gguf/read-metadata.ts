import { quote } from "../../bytes/printable.ts";
import type { StreamCursor } from "../../bytes/stream-cursor.ts";
import type { Reporter } from "../../diagnostics.ts";
import { InspectError } from "../../errors.ts";
import type { Limits } from "../../limits.ts";
import { type KnownLayout, knownStringBytes } from "./known-layout.ts";
import { decodeGgufString, fixedTypeBytes, type GgufFixedType, readFixed, readUnsigned64 } from "./scalar.ts";
import { skipStrings } from "./skip-strings.ts";
import {
  GGUF_VALUE_TYPES,
  type GgufArrayReference,
  type GgufScalar,
  type GgufValue,
  type GgufValueType,
} from "./value.ts";

/** What reading the parts of one GGUF header depends on. */
export type GgufReading = {
  readonly label: string;
  readonly littleEndian: boolean;
  readonly limits: Limits;
  readonly report: Reporter;
  /** Of another quantization of the model: its string arrays are taken to be as long here. */
  readonly known?: KnownLayout | undefined;
};

/** The specification's own bound; llama.cpp has none. */
const LONGEST_KEY_BYTES = 65_535;
const UNUSUAL_KEY = /[^\x21-\x7E]/;

/** Reads `count` keys with their values. Throws `invalid-metadata`, `duplicate-key`, `truncated`, `limit-exceeded`. */
export async function readMetadata(
  cursor: StreamCursor,
  count: number,
  reading: GgufReading,
): Promise<Map<string, GgufValue>> {
  const metadata = new Map<string, GgufValue>();
  const unusualKeys: string[] = [];
  for (let index = 0; index < count; index++) {
    const offset = cursor.offset;
    const key = await readKey(cursor, index, reading);
    if (metadata.has(key)) {
      throw new InspectError("duplicate-key", `${reading.label} has the metadata key ${quote(key)} twice.`, {
        source: reading.label,
        offset,
        key,
      });
    }
    if (key.length > LONGEST_KEY_BYTES || UNUSUAL_KEY.test(key)) unusualKeys.push(key);
    metadata.set(key, await readValue(cursor, key, reading));
  }
  const first = unusualKeys[0];
  if (first !== undefined) {
    reading.report(
      "invalid-metadata",
      `${unusualKeys.length} metadata keys are not short printable ASCII, the first is ${quote(first)}; kept as they are.`,
      reading.label,
    );
  }
  return metadata;
}

async function readKey(cursor: StreamCursor, index: number, reading: GgufReading): Promise<string> {
  const offset = cursor.offset;
  const key = await readString(cursor, `metadata key ${index}`, reading);
  if (key !== "") return key;
  throw new InspectError("invalid-metadata", `${reading.label}: metadata key ${index} is empty.`, {
    source: reading.label,
    offset,
  });
}

async function readValue(cursor: StreamCursor, key: string, reading: GgufReading): Promise<GgufValue> {
  if (!cursor.has(4)) await cursor.fill(4, `the type of ${quote(key)}`);
  const type = valueType(cursor, key, reading);
  if (type === "array") return readArray(cursor, key, reading);
  if (type === "string") return { type, value: await readString(cursor, `the value of ${quote(key)}`, reading) };
  const bytes = fixedTypeBytes(type);
  if (!cursor.has(bytes)) await cursor.fill(bytes, `the value of ${quote(key)}`);
  const view = cursor.takeView(bytes);
  if (type === "bool") reportOddBools(view, key, reading);
  return { type, value: readFixed(view, 0, type, reading.littleEndian) };
}

async function readArray(cursor: StreamCursor, key: string, reading: GgufReading): Promise<GgufValue> {
  const { label, littleEndian, limits } = reading;
  const what = `the array ${quote(key)}`;
  if (!cursor.has(12)) await cursor.fill(12, what);
  const elementType = valueType(cursor, key, reading);
  if (elementType === "array") {
    throw new InspectError(
      "invalid-metadata",
      `${label}: ${quote(key)} is an array of arrays, which no engine reads. Write it as one flat array.`,
      { source: label, offset: cursor.offset - 4, key },
    );
  }
  const declared = readUnsigned64(cursor.takeView(8), 0, littleEndian);
  const smallestBytes = elementType === "string" ? 8 : fixedTypeBytes(elementType);
  cursor.require(BigInt(declared) * BigInt(smallestBytes), `${what} of ${declared} entries`);
  if (declared > limits.arrayEntries) {
    throw new InspectError(
      "limit-exceeded",
      `${label}: ${what} has ${declared} entries, more than ${limits.arrayEntries}. Raise limits.arrayEntries to read it.`,
      { source: label, offset: cursor.offset - 8, key },
    );
  }
  const length = Number(declared);
  if (length <= limits.keptArrayEntries) {
    const values =
      elementType === "string"
        ? await readStrings(cursor, length, what, reading)
        : await readFixedValues(cursor, length, elementType, key, reading);
    return { type: "array", elementType, values };
  }
  const offset = cursor.offset;
  const knownBytes = knownStringBytes(reading.known, key, length);
  if (elementType === "string" && knownBytes !== undefined) await cursor.skip(knownBytes, what);
  else if (elementType === "string") await skipStrings(cursor, length, littleEndian, what);
  else await cursor.skip(length * smallestBytes, what);
  const reference: GgufArrayReference = { elementType, length, offset, bytes: cursor.offset - offset };
  return { type: "array", elementType, reference };
}

async function readStrings(
  cursor: StreamCursor,
  length: number,
  what: string,
  reading: GgufReading,
): Promise<readonly string[]> {
  const strings: string[] = [];
  for (let index = 0; index < length; index++) strings.push(await readString(cursor, what, reading));
  return strings;
}

async function readFixedValues(
  cursor: StreamCursor,
  length: number,
  elementType: GgufFixedType,
  key: string,
  reading: GgufReading,
): Promise<readonly GgufScalar[]> {
  const elementBytes = fixedTypeBytes(elementType);
  const bytes = length * elementBytes;
  if (!cursor.has(bytes)) await cursor.fill(bytes, `the array ${quote(key)}`);
  const view = cursor.takeView(bytes);
  if (elementType === "bool") reportOddBools(view, key, reading);
  return Array.from({ length }, (_, index) => readFixed(view, index * elementBytes, elementType, reading.littleEndian));
}

function valueType(cursor: StreamCursor, key: string, reading: GgufReading): GgufValueType {
  const offset = cursor.offset;
  const id = cursor.takeView(4).getUint32(0, reading.littleEndian);
  const type = GGUF_VALUE_TYPES[id];
  if (type !== undefined) return type;
  throw new InspectError(
    "invalid-metadata",
    `${reading.label}: ${quote(key)} has the value type ${id}; types 0 to ${GGUF_VALUE_TYPES.length - 1} exist.`,
    { source: reading.label, offset, key },
  );
}

/** A length and that many bytes, decoded lossily. */
export async function readString(cursor: StreamCursor, what: string, reading: GgufReading): Promise<string> {
  if (!cursor.has(8)) await cursor.fill(8, what);
  const length = readUnsigned64(cursor.takeView(8), 0, reading.littleEndian);
  cursor.require(length, what);
  if (length > reading.limits.stringBytes) {
    throw new InspectError(
      "limit-exceeded",
      `${reading.label}: ${what} is ${length} bytes long, more than ${reading.limits.stringBytes}. Raise limits.stringBytes to read it.`,
      { source: reading.label, offset: cursor.offset - 8 },
    );
  }
  const bytes = Number(length);
  if (!cursor.has(bytes)) await cursor.fill(bytes, what);
  return decodeGgufString(cursor.take(bytes));
}

/** The specification knows 0 and 1 only; llama.cpp takes any other byte for true. */
function reportOddBools(view: DataView, key: string, reading: GgufReading): void {
  for (let at = 0; at < view.byteLength; at++) {
    const byte = view.getUint8(at);
    if (byte <= 1) continue;
    reading.report("invalid-metadata", `${quote(key)} holds the byte ${byte} for a bool; read as true.`, reading.label);
    return;
  }
}
