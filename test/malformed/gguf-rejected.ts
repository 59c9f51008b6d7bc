import { type GgufSpec, writeGguf } from "../formats/write-gguf.ts";
import type { RejectedCase } from "./case.ts";
import { aligned, I64_MIN, key, NAME, TENSOR, tensor, U64_MAX, utf8 } from "./gguf-parts.ts";

/** Ids are those of the conformance list; the verdicts are those of `gguf_init_from_file` unless the title says more. */
export const GGUF_REJECTED: readonly RejectedCase<GgufSpec>[] = [
  { title: "G-01 a wrong magic", file: { magic: "FUGG" }, code: "bad-magic", says: '"FUGG"' },
  { title: "G-01 a magic of control characters, masked", file: { magic: "\x1b]0;" }, code: "bad-magic", says: "\\x1B" },
  ...[0, 3, 4, 5, 7, 8, 15, 23].map((length) => ({
    title: `G-02 a file of ${length} bytes`,
    file: writeGguf({}).subarray(0, length),
    code: "truncated" as const,
  })),
  { title: "G-03 version 0", file: { version: 0 }, code: "unsupported-version", says: "version 0" },
  { title: "G-04 version 1, with what to do", file: { version: 1 }, code: "unsupported-version", says: "Convert" },
  { title: "G-05 version 4", file: { version: 4 }, code: "unsupported-version", says: "version 4" },
  { title: "G-06 a big-endian version 4", file: { version: 4, littleEndian: false }, code: "unsupported-version" },
  ...[U64_MAX, I64_MIN, 2n ** 32n, 0x7fff_ffffn].map((tensorCount) => ({
    title: `G-07 ${tensorCount} tensors and no body`,
    file: { tensorCount },
    code: "truncated" as const,
    says: String(tensorCount),
  })),
  ...[U64_MAX, I64_MIN, 2n ** 32n, 0x7fff_ffffn].map((keyCount) => ({
    title: `G-08 ${keyCount} keys and no body`,
    file: { keyCount },
    code: "truncated" as const,
    says: String(keyCount),
  })),
  ...[U64_MAX, I64_MIN, 2n ** 30n + 1n, 2n + 4n + 5n + 8n].map((keyLength) => ({
    title: `G-10 a key length of ${keyLength}`,
    file: key({ type: "string", value: "hello", keyLength }),
    code: "truncated" as const,
  })),
  { title: "G-11 an empty key", file: { keys: [{ ...NAME, key: "" }] }, code: "invalid-metadata", says: "empty" },
  ...[13, 255, 2 ** 31].map((type) => ({
    title: `G-13 the value type ${type}`,
    file: key({ type, value: new Uint8Array(8) }),
    code: "invalid-metadata" as const,
    says: String(type),
  })),
  {
    title: "G-13 the array element type 13",
    file: key({ type: "array", elementType: 13, values: [new Uint8Array(8)] }),
    code: "invalid-metadata",
  },
  { title: "G-14 a duplicate key", file: { keys: [NAME, NAME] }, code: "duplicate-key", says: "general.architecture" },
  ...[U64_MAX, 2n ** 40n, 6n].map((valueLength) => ({
    title: `G-15 a string of 5 bytes that claims ${valueLength}`,
    file: key({ type: "string", value: "hello", valueLength }),
    code: "truncated" as const,
    says: String(valueLength - 5n),
  })),
  { title: "G-16 fewer keys than stated", file: { keyCount: 2, keys: [NAME] }, code: "truncated" },
  ...(["u8", "u64", "string"] as const).flatMap((elementType) =>
    [I64_MIN, 2n ** 62n].map((valueLength) => ({
      title: `G-17 an array of ${valueLength} ${elementType}`,
      file: key({ type: "array", elementType, valueLength }),
      code: "truncated" as const,
    })),
  ),
  ...[1, 5, 10_000].map((depth) => ({
    title: `G-19 arrays nested ${depth} deep`,
    file: key({
      type: "array",
      elementType: "array",
      values: Array.from({ length: depth }, () => Uint8Array.of(9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)),
      valueLength: 1,
    }),
    code: "invalid-metadata" as const,
    says: "array of arrays",
  })),
  ...[13, 0, 3].map((alignment) => ({
    title: `G-22 an alignment of ${alignment}`,
    file: { keys: [aligned(alignment)] },
    code: "invalid-alignment" as const,
    says: String(alignment),
  })),
  {
    title: "G-23 an alignment that is a string",
    file: { keys: [{ ...aligned(0), type: "string", value: "32" }] },
    code: "invalid-alignment",
    says: "string",
  },
  {
    title: "G-23 an alignment that is an i32",
    file: { keys: [{ ...aligned(32), type: "i32" }] },
    code: "invalid-alignment",
    says: "i32",
  },
  {
    title: "G-26 a tensor name of 1,025 bytes",
    file: tensor({ name: "n".repeat(1_025) }),
    code: "invalid-tensor",
    says: "1025",
  },
  ...[5, 0xffff_ffff].map((dimensions) => ({
    title: `G-27 ${dimensions} dimensions`,
    file: tensor({ dimensions }),
    code: "invalid-tensor" as const,
    says: String(dimensions),
  })),
  ...[U64_MAX, I64_MIN].map((dimension) => ({
    title: `G-29 a dimension of ${dimension}`,
    file: tensor({ shape: [dimension] }),
    code: "overflow" as const,
    says: String(dimension),
  })),
  { title: "G-31 a product of 2^63", file: tensor({ shape: [2 ** 31, 2 ** 31, 2] }), code: "overflow" },
  { title: "G-31 a product that wraps to 0", file: tensor({ shape: [2 ** 32, 2 ** 32] }), code: "overflow" },
  { title: "G-32 bytes beyond 2^64", file: tensor({ shape: [2 ** 31, 2 ** 31], type: 28 }), code: "overflow" },
  ...[999, 43, 0xffff_ffff].map((type) => ({
    title: `G-33 the ggml type ${type | 0}`,
    file: tensor({ type }),
    code: "unknown-dtype" as const,
    says: String(type | 0),
  })),
  ...[4, 5, 31, 32, 33, 36, 37, 38].map((type) => ({
    title: `G-34 the removed ggml type ${type}`,
    file: tensor({ type }),
    code: "unknown-dtype" as const,
    says: "removed from GGUF",
  })),
  {
    title: "G-35 a Q4_0 row of 33 elements",
    file: tensor({ type: 2, shape: [33] }),
    code: "invalid-tensor",
    says: "33",
  },
  { title: "G-35 a Q4_K row of 128 elements", file: tensor({ type: 12, shape: [128] }), code: "invalid-tensor" },
  { title: "G-36 an offset of 2^64 - 1", file: tensor({ offset: U64_MAX }), code: "invalid-offset" },
  {
    title: "G-36 an offset off the alignment",
    file: tensor({ offset: 8 }, 64),
    code: "invalid-offset",
    says: "not on the alignment of 32",
  },
  {
    title: "G-37 a gap between tensors",
    file: { tensors: [TENSOR, { ...TENSOR, name: "b", offset: 64 }], dataBytes: 80 },
    code: "invalid-offset",
    says: "a gap of 32 bytes",
  },
  {
    title: "G-37 overlapping tensors",
    file: { tensors: [TENSOR, { ...TENSOR, name: "b", offset: 0 }], dataBytes: 80 },
    code: "invalid-offset",
    says: "an overlap of 32 bytes",
  },
  {
    title: "G-37 tensors out of order",
    file: {
      tensors: [
        { ...TENSOR, offset: 32 },
        { ...TENSOR, name: "b" },
      ],
      dataBytes: 48,
    },
    code: "invalid-offset",
  },
  {
    title: "G-38 a duplicate tensor name",
    file: { tensors: [TENSOR, { ...TENSOR, offset: 32 }], dataBytes: 48 },
    code: "duplicate-tensor",
    says: '"a"',
  },
  {
    title: "G-38 names that are equal up to a NUL, where the reference stops comparing",
    file: { tensors: [TENSOR, { ...TENSOR, name: "a\0b", offset: 32 }], dataBytes: 48 },
    code: "duplicate-tensor",
  },
  {
    title: "G-39 padded sizes that add up beyond 2^64",
    file: {
      tensors: [
        { name: "a", type: 24, shape: [0x7fff_ffff_ffff_ffc0n] },
        { name: "b", type: 24, shape: [0x7fff_ffff_ffff_ffc0n], offset: 0x7fff_ffff_ffff_ffc0n },
      ],
    },
    code: "overflow",
  },
  {
    title: "G-39 padded sizes that add up beyond 2^53",
    file: {
      tensors: [
        { name: "a", type: 24, shape: [2 ** 52] },
        { name: "b", type: 24, shape: [2 ** 52], offset: 2 ** 52 },
      ],
    },
    code: "overflow",
  },
  {
    title: "G-40 a last tensor that ends past the file",
    file: tensor({}, 9),
    code: "truncated",
    says: "7 bytes are missing",
  },
  { title: "G-40 no data section at all", file: tensor({}, 0), code: "truncated", says: "16 bytes are missing" },
  {
    title: "G-40 a file that ends inside the padding before the data",
    file: writeGguf(tensor({}, 0)).subarray(0, -1),
    code: "truncated",
    says: "17 bytes are missing",
  },
  {
    title: "G-41 offsets written for another alignment than the header states",
    file: { keys: [aligned(64)], tensors: [TENSOR, { ...TENSOR, name: "b", offset: 32 }], dataBytes: 300 },
    code: "invalid-offset",
    says: "another alignment",
  },
  { title: "zero bytes only", file: new Uint8Array(600), code: "wrong-format", says: "zero bytes" },
  {
    title: "a Git LFS pointer",
    file: utf8("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"),
    code: "wrong-format",
    says: "git lfs pull",
  },
  { title: "an HTML page", file: utf8("\n<!DOCTYPE html><html></html>"), code: "wrong-format", says: "HTML" },
  {
    title: "a PyTorch checkpoint",
    file: utf8("PK\x03\x04....archive/data.pkl"),
    code: "wrong-format",
    says: "PyTorch",
  },
];
