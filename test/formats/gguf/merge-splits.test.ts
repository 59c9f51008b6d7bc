import { describe, expect, it } from "vitest";
import type { InspectCode } from "../../../src/errors.ts";
import { mergeGgufSplits, type NamedGguf } from "../../../src/formats/gguf/merge-splits.ts";
import { readGguf } from "../../../src/formats/gguf/read.ts";
import { memorySource, readingOptions } from "../memory-source.ts";
import { type GgufKeySpec, writeGguf } from "../write-gguf.ts";

type Part = {
  readonly name?: string;
  readonly index?: number | undefined;
  readonly count?: number | undefined;
  readonly total?: number | undefined;
  readonly tensors?: readonly string[];
  readonly littleEndian?: boolean;
};

const nameOf = (place: number, count: number): string =>
  `llama-${String(place + 1).padStart(5, "0")}-of-${String(count).padStart(5, "0")}.gguf`;

async function part(place: number, spec: Part): Promise<NamedGguf> {
  const whole = (key: string, type: "u16" | "i32", value: number | undefined): GgufKeySpec[] =>
    value === undefined ? [] : [{ key, type, value }];
  const file = writeGguf({
    littleEndian: spec.littleEndian ?? true,
    keys: [
      ...(place === 0 ? [{ key: "general.architecture", type: "string" as const, value: "llama" }] : []),
      ...whole("split.no", "u16", spec.index),
      ...whole("split.count", "u16", spec.count),
      ...whole("split.tensors.count", "i32", spec.total),
    ],
    tensors: (spec.tensors ?? []).map((name, index) => ({ name, shape: [4], offset: index * 32 })),
    dataBytes: Math.max(0, (spec.tensors ?? []).length * 32 - 16),
  });
  return { name: spec.name ?? nameOf(place, 3), gguf: await readGguf(memorySource(file), readingOptions()) };
}

const set = (...parts: readonly Part[]): Promise<NamedGguf[]> =>
  Promise.all(parts.map((spec, place) => part(place, { index: place, count: 3, total: 4, ...spec })));

const FIRST: Part = { tensors: ["a", "b"] };
const SECOND: Part = { tensors: ["c"] };
const THIRD: Part = { tensors: ["d"] };

describe("mergeGgufSplits", () => {
  it("makes one table of the tensors of all parts, with the keys of the first", async () => {
    const merged = mergeGgufSplits(await set(FIRST, SECOND, THIRD));
    expect(merged.tensors.map(({ name, file }) => [name, file])).toEqual([
      ["a", 0],
      ["b", 0],
      ["c", 1],
      ["d", 2],
    ]);
    expect(merged.metadata.get("general.architecture")).toEqual({ type: "string", value: "llama" });
    expect(merged).toMatchObject({ version: 3, littleEndian: true, alignment: 32 });
  });

  it("gives a single file back as it is", async () => {
    const file = await part(0, { tensors: ["a"] });
    expect(mergeGgufSplits([file]).tensors).toEqual(file.gguf.tensors);
  });

  it("accepts a set of one", async () => {
    expect(mergeGgufSplits([await part(0, { index: 0, count: 1, total: 1, tensors: ["a"] })]).tensors).toHaveLength(1);
  });

  it("accepts later parts that repeat only their number, as llama.cpp does", async () => {
    const bare = { count: undefined, total: undefined };
    expect(mergeGgufSplits(await set(FIRST, { ...SECOND, ...bare }, { ...THIRD, ...bare })).tensors).toHaveLength(4);
  });

  it("accepts parts whose names say nothing", async () => {
    const files = await set({ ...FIRST, name: "x.gguf" }, { ...SECOND, name: "y.gguf" }, { ...THIRD, name: "z.gguf" });
    expect(mergeGgufSplits(files).tensors).toHaveLength(4);
  });

  it("rejects no files at all", () => {
    expect(() => mergeGgufSplits([])).toThrow(expect.objectContaining({ code: "no-model" }));
  });

  type Rejected = {
    readonly title: string;
    readonly parts: readonly Part[];
    readonly code: InspectCode;
    readonly says: string;
  };
  const REJECTED: readonly Rejected[] = [
    {
      title: "X-01 a set without its first part",
      parts: [{ ...SECOND, index: 1 }],
      code: "missing-shard",
      says: "part 2 of 3",
    },
    {
      title: "X-02 a missing shard, by name",
      parts: [FIRST, SECOND],
      code: "missing-shard",
      says: "llama-00003-of-00003.gguf",
    },
    {
      title: "X-02 more files than the set has",
      parts: [FIRST, SECOND, THIRD, { tensors: ["e"] }],
      code: "shard-mismatch",
      says: "4 files",
    },
    {
      title: "X-02 files that are not a set",
      parts: [{ ...FIRST, count: undefined }, SECOND],
      code: "shard-mismatch",
      says: "2 files",
    },
    {
      title: "X-02 a shard listed twice",
      parts: [FIRST, SECOND, { ...SECOND, index: 1, name: nameOf(1, 3) }],
      code: "shard-mismatch",
      says: "part 3 of 3",
    },
    {
      title: "X-03 a shard out of its place",
      parts: [FIRST, { ...SECOND, index: 2 }, THIRD],
      code: "shard-mismatch",
      says: "part 3",
    },
    {
      title: "X-03 a shard without its number",
      parts: [FIRST, { ...SECOND, index: undefined }, THIRD],
      code: "shard-mismatch",
      says: "split.no",
    },
    {
      title: "X-04 a tensor in two shards",
      parts: [FIRST, { tensors: ["a"] }, THIRD],
      code: "duplicate-tensor",
      says: '"a"',
    },
    {
      title: "X-05 fewer tensors than stated",
      parts: [FIRST, SECOND, { tensors: [] }],
      code: "shard-mismatch",
      says: "4 tensors, but its 3 files hold 3",
    },
    {
      title: "X-05 no number of tensors",
      parts: [{ ...FIRST, total: undefined }, SECOND, THIRD],
      code: "shard-mismatch",
      says: "an unknown number",
    },
    {
      title: "X-07 a name that contradicts the metadata",
      parts: [FIRST, { ...SECOND, name: "llama-00002-of-00004.gguf" }, THIRD],
      code: "shard-mismatch",
      says: "part 2 of 4",
    },
    {
      title: "X-07 parts that count differently",
      parts: [FIRST, { ...SECOND, count: 4 }, THIRD],
      code: "shard-mismatch",
      says: "4 files",
    },
    {
      title: "parts of two byte orders",
      parts: [FIRST, { ...SECOND, littleEndian: false }, THIRD],
      code: "shard-mismatch",
      says: "byte order",
    },
  ];
  it.each(REJECTED.map((row) => [row.title, row] as const))("rejects %s", async (_, { parts, code, says }) => {
    const files = await set(...parts);
    expect(() => mergeGgufSplits(files)).toThrow(
      expect.objectContaining({ name: "InspectError", code, message: expect.stringContaining(says) }),
    );
  });

  it("counts missing shards without naming thousands of them (X-06)", async () => {
    const files = [await part(0, { index: 0, count: 9_000, total: 1, name: nameOf(0, 9_000) })];
    expect(() => mergeGgufSplits(files)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/and 8994 more/) }),
    );
  });
});
