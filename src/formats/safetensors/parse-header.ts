import type { JsonKind, JsonScanner } from "../../bytes/json-scanner.ts";
import { quote } from "../../bytes/printable.ts";
import { type JsonDecimal, scanStrictJson } from "../../bytes/strict-json.ts";
import { type InspectCode, InspectError } from "../../errors.ts";
import type { Limits } from "../../limits.ts";
import type { ReadingOptions } from "../reading.ts";
import { SAFETENSORS_DTYPE_BITS } from "./dtypes.ts";

/** A non-negative integer, exact up to the reference's 64 bits. */
export type Whole = number | bigint;

/** One tensor as the header lists it, before its place in the file is checked. */
export type SafetensorsInfo = {
  readonly name: string;
  readonly dtype: string;
  /** Slowest dimension first. */
  readonly shape: readonly Whole[];
  /** First byte and end, from the start of the tensor data. */
  readonly begin: Whole;
  readonly end: Whole;
};

export type ParsedHeader = {
  readonly metadata: ReadonlyMap<string, string>;
  /** In header order. */
  readonly tensors: readonly SafetensorsInfo[];
};

type Parsing = {
  readonly scanner: JsonScanner<JsonDecimal>;
  readonly label: string;
  readonly limits: Limits;
  /** Keys of tensors that the format does not know. */
  readonly unknownKeys: { count: number; first?: string };
};

const METADATA_KEY = "__metadata__";
const MAX_WHOLE = 0xffff_ffff_ffff_ffffn;

/**
 * Reads the header text: an object of tensors and of the string map `__metadata__`. Throws `invalid-json`,
 * `invalid-header`, `duplicate-key`, `invalid-metadata`, `invalid-tensor`, `unknown-dtype`, `limit-exceeded`.
 */
export function parseHeaderText(
  text: string,
  label: string,
  offset: number,
  { limits, report }: ReadingOptions,
): ParsedHeader {
  const scanner = scanStrictJson(text, { label, offset, maxDepth: limits.jsonDepth });
  const parsing: Parsing = { scanner, label, limits, unknownKeys: { count: 0 } };
  const tensors: SafetensorsInfo[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  expect(parsing, "object", "invalid-header", "the header");
  scanner.object((key) => {
    if (key === METADATA_KEY && scanner.peek() === "null") {
      scanner.skip();
      report("invalid-metadata", `${METADATA_KEY} is null; read as empty.`, label);
    } else if (key === METADATA_KEY) {
      metadata = readMetadata(parsing);
    } else if (tensors.push(readTensor(parsing, key)) > limits.tensors) {
      fail(parsing, "limit-exceeded", `there are more than ${limits.tensors} tensors (limits.tensors)`);
    }
  });
  scanner.end();
  const { count, first } = parsing.unknownKeys;
  if (first !== undefined) {
    report("invalid-tensor", `${count} keys of tensors are unknown and ignored, the first is ${first}.`, label);
  }
  return { metadata, tensors };
}

function readMetadata(parsing: Parsing): ReadonlyMap<string, string> {
  const { scanner, limits } = parsing;
  const values = new Map<string, string>();
  expect(parsing, "object", "invalid-metadata", METADATA_KEY);
  scanner.object((key) => {
    expect(parsing, "string", "invalid-metadata", `a value of ${METADATA_KEY}`);
    if (values.set(key, scanner.string()).size > limits.metadataKeys) {
      fail(
        parsing,
        "limit-exceeded",
        `${METADATA_KEY} has more than ${limits.metadataKeys} keys (limits.metadataKeys)`,
      );
    }
  });
  return values;
}

function readTensor(parsing: Parsing, name: string): SafetensorsInfo {
  const { scanner, limits, unknownKeys } = parsing;
  let dtype: string | undefined;
  let shape: readonly Whole[] | undefined;
  let offsets: readonly Whole[] | undefined;
  expect(parsing, "object", "invalid-tensor", "the entry", name);
  scanner.object((key) => {
    if (key === "dtype") dtype = readDtype(parsing, name);
    else if (key === "shape") shape = readWholes(parsing, name, "the shape", limits.dimensions, "limit-exceeded");
    else if (key === "data_offsets") offsets = readWholes(parsing, name, "data_offsets", 2, "invalid-tensor");
    else {
      scanner.skip();
      unknownKeys.count++;
      unknownKeys.first ??= `${quote(key)} of ${quote(name)}`;
    }
  });
  const [begin, end] = offsets ?? [];
  if (dtype === undefined) return fail(parsing, "invalid-tensor", "the dtype is missing", name);
  if (shape === undefined) return fail(parsing, "invalid-tensor", "the shape is missing", name);
  if (begin === undefined || end === undefined) {
    return fail(parsing, "invalid-tensor", `data_offsets has ${offsets?.length ?? 0} numbers, not 2`, name);
  }
  return { name, dtype, shape, begin, end };
}

function readDtype(parsing: Parsing, name: string): string {
  expect(parsing, "string", "invalid-tensor", "the dtype", name);
  const dtype = parsing.scanner.string();
  if (SAFETENSORS_DTYPE_BITS.has(dtype)) return dtype;
  const known = [...SAFETENSORS_DTYPE_BITS.keys()].join(" ");
  return fail(parsing, "unknown-dtype", `the dtype ${quote(dtype)} is unknown (known: ${known})`, name);
}

function readWholes(
  parsing: Parsing,
  name: string,
  what: string,
  limit: number,
  beyond: InspectCode,
): readonly Whole[] {
  const { scanner } = parsing;
  const wholes: Whole[] = [];
  expect(parsing, "array", "invalid-tensor", what, name);
  scanner.array(() => {
    expect(parsing, "number", "invalid-tensor", `an entry of ${what}`, name);
    const value = scanner.value();
    if ((typeof value !== "number" && typeof value !== "bigint") || value < 0 || value > MAX_WHOLE) {
      const written = typeof value === "object" && value !== null && "decimal" in value ? value.decimal : String(value);
      return fail(parsing, "invalid-tensor", `${what} holds ${quote(written)}, not a whole number`, name);
    }
    if (wholes.push(value) > limit) fail(parsing, beyond, `${what} has more than ${limit} numbers`, name);
  });
  return wholes;
}

const KIND_TEXT: Readonly<Record<JsonKind, string>> = {
  object: "an object",
  array: "an array",
  string: "a string",
  number: "a number",
  true: "true",
  false: "false",
  null: "null",
};

/** Throws `code` when the next value is not a `wanted` one, or `invalid-json` when it is no JSON at all. */
function expect(parsing: Parsing, wanted: JsonKind, code: InspectCode, what: string, tensor?: string): void {
  const found = parsing.scanner.peek();
  if (found === wanted) return;
  parsing.scanner.skip();
  fail(parsing, code, `${what} is ${KIND_TEXT[found]}, not ${KIND_TEXT[wanted]}`, tensor);
}

function fail({ label }: Parsing, code: InspectCode, problem: string, tensor?: string): never {
  if (tensor === undefined) throw new InspectError(code, `${label}: ${problem}.`, { source: label });
  throw new InspectError(code, `${label}: tensor ${quote(tensor)}: ${problem}.`, { source: label, tensor });
}
