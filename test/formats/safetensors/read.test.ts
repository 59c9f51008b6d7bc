import { describe, expect, it } from "vitest";
import { printable } from "../../../src/bytes/printable.ts";
import { type InspectCode, isInspectError } from "../../../src/errors.ts";
import { SAFETENSORS_DTYPE_BITS } from "../../../src/formats/safetensors/dtypes.ts";
import { readSafetensors, type SafetensorsFile } from "../../../src/formats/safetensors/read.ts";
import { memorySource, readingOptions } from "../memory-source.ts";
import { entry, type SafetensorsSpec, writeSafetensors } from "../write-safetensors.ts";

const F32 = entry("F32", [2, 2], [0, 16]);
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const withShape = (shape: string, offsets = "[0,16]", dtype = "I32"): string =>
  `{"t":{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}}`;
const two = (first: string, second: string): string =>
  `{"a":{"dtype":"F32","shape":[4],"data_offsets":${first}},"b":{"dtype":"F32","shape":[4],"data_offsets":${second}}}`;

type Rejected = {
  readonly title: string;
  readonly file: SafetensorsSpec | Uint8Array;
  readonly code: InspectCode;
  readonly says?: string;
};

const json = (header: string | Uint8Array, dataBytes = 16): SafetensorsSpec => ({ header, dataBytes });

/** Ids are those of the conformance list; the verdicts are those of the Rust reference unless the title says more. */
const REJECTED: readonly Rejected[] = [
  { title: "S-01 an empty file", file: new Uint8Array(0), code: "truncated", says: "empty" },
  ...[1, 7].map((length) => ({
    title: `S-02 a file of ${length} bytes`,
    file: writeSafetensors({ header: F32 }).subarray(0, length),
    code: "truncated" as const,
    says: `${8 - length} bytes before the end`,
  })),
  {
    title: "S-03 a length of 60 and nothing after it",
    file: { header: "", headerLength: 60 },
    code: "truncated",
    says: "60",
  },
  {
    title: "S-04 a header length that lies",
    file: { header: F32, headerLength: 1_000 },
    code: "truncated",
    says: "1000",
  },
  ...[2n ** 64n - 1n, 0xffff_ff00_0000_003cn].map((headerLength) => ({
    title: `S-05 a header length of ${headerLength}`,
    file: { header: F32, headerLength },
    code: "limit-exceeded" as const,
    says: String(headerLength),
  })),
  {
    title: "S-06 a header length of 100,000,001",
    file: { header: F32, headerLength: 100_000_001 },
    code: "limit-exceeded",
  },
  { title: "S-07 a header of no bytes", file: { header: "" }, code: "invalid-json", says: "the text ends" },
  {
    title: "S-08 a byte that is not UTF-8",
    file: json(Uint8Array.of(...utf8('{"'), 0xff, ...utf8(F32.slice(3)))),
    code: "invalid-utf8",
  },
  { title: "S-09 a header that is cut short", file: json("{"), code: "invalid-json", says: "character 1" },
  { title: "S-10 a byte order mark", file: json(`\ufeff${F32}`), code: "invalid-json", says: "\\u{FEFF}" },
  ...["[]", "null", '"x"', "1", " []"].map((header) => ({
    title: `S-11 the root ${header}`,
    file: json(header),
    code: "invalid-header" as const,
  })),
  { title: "S-14 text after the object", file: json(`${F32}x`), code: "invalid-json", says: '"x"' },
  { title: "S-14 two objects", file: json(`${F32}{}`), code: "invalid-json" },
  {
    title: "S-15 two tensors in the same place",
    file: json(two("[0,16]", "[0,16]")),
    code: "invalid-offset",
    says: "an overlap of 16 bytes",
  },
  { title: "S-16 a hole", file: json(two("[0,16]", "[24,40]"), 40), code: "invalid-offset", says: "a hole of 8 bytes" },
  {
    title: "S-17 a first tensor that begins at 8",
    file: json(withShape("[4]", "[8,24]"), 24),
    code: "invalid-offset",
    says: "a hole of 8 bytes",
  },
  { title: "S-18 reversed offsets", file: json(withShape("[4]", "[16,0]")), code: "invalid-offset" },
  {
    title: "S-18 an end before its begin",
    file: json(two("[0,16]", "[16,0]")),
    code: "invalid-offset",
    says: "before it begins",
  },
  { title: "S-19 bytes after the last tensor", file: json(F32, 20), code: "trailing-bytes", says: "4 bytes" },
  { title: "S-20 data that lacks 2 bytes", file: json(F32, 14), code: "truncated", says: "2 bytes are missing" },
  { title: "S-20 no data at all", file: json(F32, 0), code: "truncated", says: "16 bytes are missing" },
  {
    title: "S-20 4 MiB that lack 1 byte",
    file: json(entry("U8", [4_194_304], [0, 4_194_304]), 4_194_303),
    code: "truncated",
    says: "1 bytes are missing",
  },
  { title: "S-21 a file cut in its header", file: writeSafetensors(json(F32)).subarray(0, 30), code: "truncated" },
  {
    title: "S-22 a shape larger than its bytes",
    file: json(withShape("[2,2]", "[0,4]"), 4),
    code: "invalid-tensor",
    says: "takes 16",
  },
  {
    title: "S-22 a shape of 200 x 200 in 16 bytes",
    file: json(withShape("[200,200]")),
    code: "invalid-tensor",
    says: "160000",
  },
  { title: "S-23 a product beyond 2^64", file: json(withShape("[2,18446744073709551614]")), code: "overflow" },
  { title: "S-23 bits beyond 2^64", file: json(withShape("[2,9223372036854775807]")), code: "overflow" },
  {
    title: "S-24 a product that wraps to 4",
    file: json(withShape("[4194305,4194305,211106198978564]")),
    code: "overflow",
  },
  {
    title: "S-25 a dimension beyond 2^53, not rounded",
    file: json(withShape("[9007199254740993]")),
    code: "invalid-tensor",
    says: "9007199254740993",
  },
  { title: "S-25 a dimension beyond 2^64", file: json(withShape("[18446744073709551616]")), code: "invalid-tensor" },
  { title: "S-26 F4 [3]", file: json(withShape("[3]", "[0,1]", "F4"), 1), code: "invalid-tensor", says: "12 bits" },
  { title: "S-26 F4 [1,3]", file: json(withShape("[1,3]", "[0,2]", "F4"), 2), code: "invalid-tensor" },
  {
    title: "S-26 F6_E2M3 [1]",
    file: json(withShape("[1]", "[0,1]", "F6_E2M3"), 1),
    code: "invalid-tensor",
    says: "6 bits",
  },
  { title: "S-27 F4 [1,2] in 2 bytes", file: json(withShape("[1,2]", "[0,2]", "F4"), 2), code: "invalid-tensor" },
  ...["FOO", "f32", "", "FP4", "E8M0", "toString"].map((dtype) => ({
    title: `S-29 the dtype ${JSON.stringify(dtype)}`,
    file: json(withShape("[4]", "[0,16]", dtype)),
    code: "unknown-dtype" as const,
    says: `"${dtype}"`,
  })),
  ...["dtype", "shape", "data_offsets"].map((missing) => ({
    title: `S-30 a tensor without ${missing}`,
    file: json(F32.replace(`"${missing}"`, '"other"')),
    code: "invalid-tensor" as const,
    says: missing,
  })),
  ...["[]", "[0]", "[0,16,16]"].map((offsets) => ({
    title: `S-31 the data_offsets ${offsets}`,
    file: json(withShape("[4]", offsets)),
    code: "invalid-tensor" as const,
    says: "data_offsets",
  })),
  { title: "S-32 a negative dimension", file: json(withShape("[-4]")), code: "invalid-tensor", says: '"-4"' },
  { title: "S-32 a negative offset", file: json(withShape("[4]", "[-16,0]")), code: "invalid-tensor", says: '"-16"' },
  ...["1.5", "4.0", "4e0", "-0", "1e400"].map((dimension) => ({
    title: `S-33 the dimension ${dimension}`,
    file: json(withShape(`[${dimension}]`)),
    code: "invalid-tensor" as const,
    says: `"${dimension}"`,
  })),
  ...['"4"', "null", "true", "[4]"].map((dimension) => ({
    title: `S-33 the dimension ${dimension}`,
    file: json(withShape(`[${dimension}]`)),
    code: "invalid-tensor" as const,
    says: "not a number",
  })),
  { title: "S-33 a dimension with a leading zero", file: json(withShape("[04]")), code: "invalid-json" },
  { title: "a tensor that is no object", file: json('{"t":[]}'), code: "invalid-tensor", says: "an array" },
  { title: "a shape that is no array", file: json(withShape("4")), code: "invalid-tensor" },
  {
    title: "S-38 a duplicate tensor name",
    file: json(`{${F32.slice(1, -1)},${F32.slice(1)}`),
    code: "duplicate-key",
    says: '"t"',
  },
  {
    title: "S-39 a duplicate __metadata__",
    file: json('{"__metadata__":{},"__metadata__":{}}'),
    code: "duplicate-key",
  },
  {
    title: "S-39 a duplicate key in __metadata__",
    file: json('{"__metadata__":{"a":"1","a":"2"}}'),
    code: "duplicate-key",
  },
  {
    title: "S-39 a duplicate shape",
    file: json('{"t":{"shape":[4],"shape":[4]}}'),
    code: "duplicate-key",
    says: '"shape"',
  },
  {
    title: "S-39 the same name raw and escaped",
    file: json(`{"a":${F32.slice(5, -1)},"\\u0061":${F32.slice(5)}`),
    code: "duplicate-key",
    says: '"a"',
  },
  ...["1", "{}", "[]", "null", "true"].map((value) => ({
    title: `S-40 the __metadata__ value ${value}`,
    file: json(`{"__metadata__":{"k":${value}}}`),
    code: "invalid-metadata" as const,
  })),
  { title: "S-40 a __metadata__ that is an array", file: json('{"__metadata__":[]}'), code: "invalid-metadata" },
  ...["\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800x"].map((name) => ({
    title: `S-44 the lone surrogate ${name}`,
    file: json(F32.replace('"t"', `"${name}"`)),
    code: "invalid-json" as const,
    says: "surrogate",
  })),
  {
    title: "S-45 100,000 levels of [",
    file: json(`{"__metadata__":${"[".repeat(100_000)}`),
    code: "limit-exceeded",
    says: "deeper than 64",
  },
  { title: "S-45 a shape nested 100,000 deep", file: json(withShape("[".repeat(100_000))), code: "limit-exceeded" },
  {
    title: "S-49 a Git LFS pointer",
    file: utf8("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"),
    code: "wrong-format",
    says: "git lfs pull",
  },
  { title: "S-49 an HTML page", file: utf8("<!doctype html><title>404</title>"), code: "wrong-format", says: "HTML" },
  { title: "S-50 a ZIP archive", file: utf8("PK\x03\x04 some other archive"), code: "wrong-format", says: "ZIP" },
  {
    title: "S-50 a PyTorch checkpoint",
    file: utf8("PK\x03\x04....archive/data.pkl"),
    code: "wrong-format",
    says: "PyTorch",
  },
  {
    title: "S-50 a pickle",
    file: Uint8Array.of(0x80, 2, ...utf8("}q\x00X\x04\x00\x00\x00")),
    code: "wrong-format",
    says: "pickle",
  },
  { title: "S-50 a GGUF file", file: utf8("GGUF\x03\0\0\0\0\0\0\0"), code: "wrong-format", says: "GGUF" },
  { title: "zero bytes only", file: new Uint8Array(100), code: "wrong-format", says: "zero bytes" },
  { title: "a header that begins with anything else", file: json("xyz"), code: "invalid-header", says: '"x"' },
];

describe("readSafetensors rejects", () => {
  it.each(REJECTED.map((row) => [row.title, row] as const))("%s", async (_, { file, code, says }) => {
    const bytes = file instanceof Uint8Array ? file : writeSafetensors(file);
    const error = await readSafetensors(memorySource(bytes), readingOptions()).catch((error: unknown) => error);
    if (!isInspectError(error)) throw new Error(`no InspectError: ${String(error)}`);
    expect({ code: error.code, source: error.where.source }).toEqual({ code, source: "model" });
    expect(error.message).toContain(says ?? "");
    expect(error.message).toBe(printable(error.message));
  });

  it("a lying header length without waiting for a byte of the header (S-04)", async () => {
    const source = memorySource(writeSafetensors({ header: F32, headerLength: 1_000 }), { chunkBytes: () => 8 });
    await expect(readSafetensors(source, readingOptions())).rejects.toMatchObject({ code: "truncated" });
    expect(source.taken.bytes).toBeLessThan(200);
  });

  it("more tensors than limits.tensors (S-46)", async () => {
    const many = Array.from({ length: 300 }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`);
    const bytes = writeSafetensors({ header: `{${many.join(",")}}` });
    expect((await readSafetensors(memorySource(bytes), readingOptions())).tensors).toHaveLength(300);
    await expect(readSafetensors(memorySource(bytes), readingOptions({ tensors: 299 }))).rejects.toMatchObject({
      code: "limit-exceeded",
    });
  });

  it.each([
    ["dimensions", withShape("[1,1,4]"), { dimensions: 2 }],
    ["metadataKeys", '{"__metadata__":{"a":"1","b":"2"}}', { metadataKeys: 1 }],
    ["safetensorsHeaderBytes", F32, { safetensorsHeaderBytes: 10 }],
  ])("what is beyond limits.%s", async (_, header, limits) => {
    const source = memorySource(writeSafetensors({ header, dataBytes: 16 }));
    await expect(readSafetensors(source, readingOptions(limits))).rejects.toMatchObject({ code: "limit-exceeded" });
  });
});

type Accepted = {
  readonly title: string;
  readonly file: SafetensorsSpec;
  readonly reports?: readonly InspectCode[];
  readonly check?: (file: SafetensorsFile) => void;
};

const ACCEPTED: readonly Accepted[] = [
  {
    title: "a tensor with its place in the file",
    file: json(F32),
    check: ({ tensors, headerBytes }) => {
      expect(headerBytes).toBe(8 + F32.length);
      expect(tensors).toEqual([
        { name: "t", dtype: "F32", shape: [2, 2], elements: 4, bytes: 16, file: 0, offset: 8 + F32.length },
      ]);
    },
  },
  ...[" ", "\t", "\n", "\r", "        "].map((space) => ({
    title: `S-12 trailing ${JSON.stringify(space)}`,
    file: json(F32 + space),
  })),
  { title: "S-13 leading whitespace, with a diagnostic", file: json(`   ${F32}`), reports: ["invalid-header"] },
  {
    title: "S-28 F4 [1,2] in 1 byte",
    file: json(withShape("[1,2]", "[0,1]", "F4"), 1),
    check: ({ tensors }) => expect(tensors[0]).toMatchObject({ elements: 2, bytes: 1 }),
  },
  ...[...SAFETENSORS_DTYPE_BITS].map(([dtype, bits]) => ({
    title: `S-29 the dtype ${dtype}`,
    file: json(withShape("[8]", `[0,${bits}]`, dtype), bits),
    check: ({ tensors }: SafetensorsFile) => expect(tensors[0]).toMatchObject({ dtype, bytes: bits }),
  })),
  {
    title: "S-34 an unknown key of a tensor, with a diagnostic",
    file: json(F32.replace('"shape"', '"extra":{"a":[1.5e3,null],"a":0},"shape"')),
    reports: ["invalid-tensor"],
  },
  {
    title: "S-35 a scalar",
    file: json(withShape("[]", "[0,4]"), 4),
    check: ({ tensors }) => expect(tensors[0]).toMatchObject({ shape: [], elements: 1, bytes: 4 }),
  },
  {
    title: "S-36 a dimension of 0",
    file: json(withShape("[2,0]", "[0,0]"), 0),
    check: ({ tensors }) => expect(tensors[0]).toMatchObject({ elements: 0, bytes: 0 }),
  },
  { title: "S-37 no tensors", file: json("{}", 0), check: ({ tensors }) => expect(tensors).toEqual([]) },
  {
    title: "S-37 metadata only",
    file: json('{"__metadata__":{"format":"pt"}}', 0),
    check: ({ metadata }) => expect(metadata).toEqual(new Map([["format", "pt"]])),
  },
  {
    title: "S-41 a __metadata__ of null, with a diagnostic",
    file: json(F32.replace("{", '{"__metadata__":null,')),
    reports: ["invalid-metadata"],
  },
  ...["__proto__", "constructor", "toString", "hasOwnProperty"].map((name) => ({
    title: `S-42 a tensor and a metadata key named ${name}`,
    file: json(`{"__metadata__":{"${name}":"v"},"${name}":${F32.slice(5)}`),
    check: ({ tensors, metadata }: SafetensorsFile) => {
      expect(tensors[0]?.name).toBe(name);
      expect([...metadata]).toEqual([[name, "v"]]);
      expect(({} as Record<string, unknown>)["dtype"]).toBeUndefined();
    },
  })),
  ...["", "a\\u0000b", "\\u001b[31m", "\\u202ex", "n".repeat(1_000_000)].map((name) => ({
    title: `S-43 a tensor named ${JSON.stringify(name.slice(0, 12))}`,
    file: json(F32.replace('"t"', `"${name}"`)),
    check: ({ tensors }: SafetensorsFile) => expect(tensors[0]?.name).toBe(JSON.parse(`"${name}"`)),
  })),
  {
    title: "S-47 names in another order than their data, and mixed widths",
    file: json(
      '{"b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]},"c":{"dtype":"F16","shape":[1],"data_offsets":[11,13]},"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}',
      13,
    ),
    check: ({ tensors }) => expect(tensors.map(({ name }) => name)).toEqual(["a", "b", "c"]),
  },
  {
    title: "S-48 a header that is not a multiple of 8 bytes",
    file: json(withShape("[4]", "[0,4]", "U8"), 4),
    check: ({ headerBytes }) => expect(headerBytes % 8).not.toBe(0),
  },
  {
    title: "an empty tensor that begins where another does",
    file: json(
      '{"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"e":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      4,
    ),
    check: ({ tensors }) => expect(tensors.map(({ name }) => name)).toEqual(["e", "t"]),
  },
];

describe("readSafetensors accepts", () => {
  it.each(ACCEPTED.map((row) => [row.title, row] as const))("%s", async (_, { file, reports, check }) => {
    const options = readingOptions();
    const read = await readSafetensors(memorySource(writeSafetensors(file)), options);
    check?.(read);
    expect(options.diagnostics.map(({ code }) => code)).toEqual(reports ?? []);
  });
});
