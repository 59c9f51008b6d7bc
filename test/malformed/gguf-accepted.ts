import { expect } from "vitest";
import type { GgufFile } from "../../src/formats/gguf/read.ts";
import { type GgufSpec, writeGguf } from "../formats/write-gguf.ts";
import type { AcceptedCase } from "./case.ts";
import { aligned, key, NAME, TENSOR, tensor, U64_MAX } from "./gguf-parts.ts";

export const GGUF_ACCEPTED: readonly AcceptedCase<GgufSpec, GgufFile>[] = [
  {
    title: "G-06 a big-endian file",
    file: { littleEndian: false, keys: [NAME, { key: "n", type: "u16", value: 258 }], ...tensor({}) },
    check: (gguf) => {
      expect(gguf).toMatchObject({ littleEndian: false, version: 3, tensors: [{ name: "a", shape: [4], bytes: 16 }] });
      expect(gguf.metadata.get("n")).toEqual({ type: "u16", value: 258 });
    },
  },
  {
    title: "a file of version 2",
    file: { version: 2, keys: [NAME] },
    check: (gguf) => expect(gguf.version).toBe(2),
  },
  {
    title: "G-09 a file without keys and tensors",
    file: {},
    check: (gguf) => {
      expect(gguf).toMatchObject({ alignment: 32, headerBytes: 24, tensors: [], littleEndian: true });
      expect(gguf.metadata.size).toBe(0);
    },
  },
  {
    title: "G-12 a key of 65,536 bytes and a key that is not ASCII, with one diagnostic",
    file: {
      keys: [
        { ...NAME, key: "k".repeat(65_536) },
        { ...NAME, key: "schlüssel" },
      ],
    },
    reports: ["invalid-metadata"],
    check: (gguf) => expect(gguf.metadata.has("schlüssel")).toBe(true),
  },
  {
    title: "G-20 a bool of 2 as true, with a diagnostic",
    file: {
      keys: [
        { key: "b", type: "bool", value: Uint8Array.of(2) },
        { key: "c", type: "array", elementType: "bool", values: [true, Uint8Array.of(3), false, Uint8Array.of(4)] },
      ],
    },
    reports: ["invalid-metadata", "invalid-metadata"],
    check: (gguf) => {
      expect(gguf.metadata.get("b")).toEqual({ type: "bool", value: true });
      expect(gguf.metadata.get("c")).toEqual({ type: "array", elementType: "bool", values: [true, true, false, true] });
    },
  },
  {
    title: "G-21 a string that is not UTF-8, lossily",
    file: key({ type: "string", value: Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x41) }),
    check: (gguf) => expect(gguf.metadata.get("k")).toEqual({ type: "string", value: "\ufffdA" }),
  },
  {
    title: "a string that begins with a byte order mark, kept",
    file: key({ type: "string", value: "\ufeffx" }),
    check: (gguf) => expect(gguf.metadata.get("k")).toEqual({ type: "string", value: "\ufeffx" }),
  },
  ...[2 ** 30, 2 ** 31].map((alignment) => ({
    title: `G-24 an alignment of ${alignment} in a file without tensors`,
    file: { keys: [aligned(alignment)] },
    check: (gguf: GgufFile) => expect(gguf.alignment).toBe(alignment),
  })),
  ...[1, 64, 4_096].map((alignment) => ({
    title: `G-25 an alignment of ${alignment}`,
    file: {
      keys: [aligned(alignment)],
      tensors: [TENSOR, { ...TENSOR, name: "b", offset: Math.ceil(16 / alignment) * alignment }],
      alignment,
      dataBytes: Math.ceil(16 / alignment) * alignment + 16,
    },
    check: (gguf: GgufFile) => {
      const header = writeGguf({ keys: [aligned(alignment)], tensors: [TENSOR, TENSOR], alignment }).length;
      expect(gguf).toMatchObject({ alignment, headerBytes: header });
      expect(gguf.tensors[1]?.offset).toBe(header + Math.ceil(16 / alignment) * alignment);
    },
  })),
  {
    title: "G-26 a tensor name of 64 bytes, with a diagnostic",
    file: tensor({ name: "n".repeat(64) }),
    reports: ["invalid-tensor"],
    check: (gguf) => expect(gguf.tensors[0]?.name).toHaveLength(64),
  },
  {
    title: "a tensor name of 63 bytes",
    file: tensor({ name: "n".repeat(63) }),
    check: (gguf) => expect(gguf.tensors).toHaveLength(1),
  },
  {
    title: "G-28 a tensor without dimensions as one element",
    file: tensor({ shape: [] }, 4),
    check: (gguf) => expect(gguf.tensors[0]).toMatchObject({ shape: [], elements: 1, bytes: 4 }),
  },
  {
    title: "G-30 a dimension of 0 as zero bytes",
    file: {
      tensors: [
        { name: "z", shape: [4, 0] },
        { ...TENSOR, offset: 0 },
        { name: "y", shape: [0], offset: 32 },
      ],
      dataBytes: 32,
    },
    check: (gguf) => expect(gguf.tensors.map(({ bytes }) => bytes)).toEqual([0, 16, 0]),
  },
  {
    title: "G-42 a last tensor that ends unpadded at the end of the file",
    file: tensor({}, 16),
    check: (gguf) => expect(gguf.tensors[0]).toMatchObject({ bytes: 16, offset: 64, dtype: "F32", file: 0 }),
  },
  {
    title: "a last tensor with its padding",
    file: tensor({}, 32),
    check: (gguf) => expect(gguf.tensors).toHaveLength(1),
  },
  {
    title: "G-43 trailing bytes, with a diagnostic",
    file: tensor({}, 40),
    reports: ["trailing-bytes"],
    check: (gguf) => expect(gguf.tensors).toHaveLength(1),
  },
  {
    title: "G-44 keys named like members of an object, each under its own name",
    file: {
      keys: ["__proto__", "constructor", "version", "tensor_count", "kv_count"].map((name) => ({ ...NAME, key: name })),
    },
    check: (gguf) => {
      expect([...gguf.metadata.keys()]).toEqual(["__proto__", "constructor", "version", "tensor_count", "kv_count"]);
      expect(gguf.version).toBe(3);
      expect(({} as Record<string, unknown>)["value"]).toBeUndefined();
    },
  },
  {
    title: "G-45 to G-47 keys that contradict the model, without judging them",
    file: {
      keys: [
        { key: "llama.block_count", type: "u64", value: U64_MAX },
        { key: "general.file_type", type: "string", value: "Q4" },
        { key: "llama.attention.head_count", type: "array", elementType: "u32", values: [8, 4] },
      ],
    },
    check: (gguf) => {
      expect(gguf.metadata.get("llama.block_count")).toEqual({ type: "u64", value: U64_MAX });
      expect(gguf.metadata.get("llama.attention.head_count")).toEqual({
        type: "array",
        elementType: "u32",
        values: [8, 4],
      });
    },
  },
  {
    title: "G-48 NaN, infinities and -0 in floats",
    file: {
      keys: [
        { key: "a", type: "f32", value: Number.NaN },
        { key: "b", type: "f64", value: Number.NEGATIVE_INFINITY },
        { key: "c", type: "f64", value: -0 },
      ],
    },
    check: (gguf) => {
      expect([...gguf.metadata.values()].map((entry) => "value" in entry && entry.value)).toEqual([
        Number.NaN,
        Number.NEGATIVE_INFINITY,
        -0,
      ]);
    },
  },
  {
    title: "G-49 64-bit integers beyond 2^53, exactly",
    file: {
      keys: [
        { key: "a", type: "u64", value: 9_007_199_254_740_993n },
        { key: "b", type: "i64", value: -9_007_199_254_740_993n },
        { key: "c", type: "i64", value: -1n },
      ],
    },
    check: (gguf) => {
      expect([...gguf.metadata.values()].map((entry) => "value" in entry && entry.value)).toEqual([
        9_007_199_254_740_993n,
        -9_007_199_254_740_993n,
        -1,
      ]);
    },
  },
  {
    title: "G-50 a chat template with a payload, as text",
    file: key({ type: "string", value: "{{ ''.__class__ }}" }),
    check: (gguf) => expect(gguf.metadata.get("k")).toEqual({ type: "string", value: "{{ ''.__class__ }}" }),
  },
  {
    title: "integers at the ends of their ranges",
    file: {
      keys: [
        { key: "u8", type: "u8", value: 255 },
        { key: "i8", type: "i8", value: -128 },
        { key: "u16", type: "u16", value: 65_535 },
        { key: "i16", type: "i16", value: -32_768 },
        { key: "u32", type: "u32", value: 4_294_967_295 },
        { key: "i32", type: "i32", value: -2_147_483_648 },
      ],
    },
    check: (gguf) => {
      expect([...gguf.metadata.values()].map((entry) => "value" in entry && entry.value)).toEqual([
        255, -128, 65_535, -32_768, 4_294_967_295, -2_147_483_648,
      ]);
    },
  },
  {
    title: "a file that says it is one of a set",
    file: {
      keys: [
        { key: "split.no", type: "u16", value: 1 },
        { key: "split.count", type: "u16", value: 3 },
        { key: "split.tensors.count", type: "i32", value: 291 },
      ],
    },
    check: (gguf) => expect(gguf.split).toEqual({ index: 1, count: 3, tensors: 291 }),
  },
];
