import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { isInspectError } from "../../../src/errors.ts";
import { layoutOf } from "../../../src/formats/gguf/known-layout.ts";
import { readGguf, readGgufSibling } from "../../../src/formats/gguf/read.ts";
import { readGgufArray } from "../../../src/formats/gguf/read-array.ts";
import type { GgufArrayReference, GgufMetadata } from "../../../src/formats/gguf/value.ts";
import type { ByteSource } from "../../../src/source/byte-source.ts";
import { memorySource, readingOptions, withoutStream } from "../memory-source.ts";
import { type GgufSpec, writeGguf } from "../write-gguf.ts";

const TOKENS = Array.from({ length: 2_000 }, (_, index) => (index % 7 === 0 ? "" : `tøken${index}`));

/** One of everything: scalars, kept and skipped arrays, tensors. The last tensor ends at the end of the file. */
const spec = (littleEndian: boolean): GgufSpec => ({
  littleEndian,
  keys: [
    { key: "general.architecture", type: "string", value: "llama" },
    { key: "flag", type: "bool", value: true },
    { key: "big", type: "u64", value: 2n ** 60n },
    { key: "kept", type: "array", elementType: "f32", values: [1, 2.5, -3] },
    { key: "names", type: "array", elementType: "string", values: ["a", "", "ü"] },
    { key: "none", type: "array", elementType: "u8", values: [] },
    { key: "tokens", type: "array", elementType: "string", values: TOKENS },
    { key: "scores", type: "array", elementType: "i32", values: TOKENS.map((_, index) => -index) },
    { key: "last", type: "f64", value: 0.1 },
  ],
  tensors: [
    { name: "embedding", shape: [256, 2], type: 12 },
    { name: "norm", shape: [3], offset: 288 },
  ],
  dataBytes: 300,
});

const WHOLE = writeGguf(spec(true));

function reference(metadata: GgufMetadata, key: string): GgufArrayReference {
  const value = metadata.get(key);
  if (value?.type !== "array" || !("reference" in value)) throw new Error(`${key} was kept`);
  return value.reference;
}

describe("readGguf reads a stream", () => {
  it("the same in chunks of one byte, of any length, whole, and without a stream", async () => {
    const expected = await readGguf(memorySource(WHOLE), readingOptions());
    expect(expected.metadata.size).toBe(9);
    expect(await readGguf(memorySource(WHOLE, { chunkBytes: () => 1 }), readingOptions())).toEqual(expected);
    expect(await readGguf(withoutStream(memorySource(WHOLE)), readingOptions())).toEqual(expected);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 1, maxLength: 20 }),
        async (lengths) => {
          let next = 0;
          const chunkBytes = (): number => lengths[next++ % lengths.length]! + (next % lengths.length === 0 ? 1 : 0);
          expect(await readGguf(memorySource(WHOLE, { chunkBytes }), readingOptions())).toEqual(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("the same in either byte order", async () => {
    const little = await readGguf(memorySource(WHOLE), readingOptions());
    const big = await readGguf(memorySource(writeGguf(spec(false))), readingOptions());
    expect(big).toEqual({ ...little, littleEndian: false });
  });

  it("and rejects every strict prefix as truncated, whatever the chunks", async () => {
    const small = writeGguf({ ...spec(true), keys: spec(true).keys!.slice(0, 6) });
    for (let length = 0; length < small.length; length++) {
      const chunkBytes = (): number => 1 + (length % 9);
      const source = memorySource(small.subarray(0, length), { chunkBytes });
      await expect(readGguf(source, readingOptions())).rejects.toMatchObject({
        name: "InspectError",
        code: "truncated",
      });
    }
  });

  it("no further than the chunk in which the header ends, and ends it", async () => {
    const file = writeGguf({ ...spec(true), dataBytes: 300 });
    const headerBytes = file.length - 300;
    const source = memorySource(file, { chunkBytes: () => 128 });
    await readGguf(source, readingOptions());
    expect(source.taken.bytes).toBeLessThanOrEqual(headerBytes + 128);
    expect(source.taken.ended).toBe(true);
  });

  it("that is ended when the file is rejected", async () => {
    const source = memorySource(writeGguf({ version: 9, dataBytes: 1_000 }), { chunkBytes: () => 64 });
    await expect(readGguf(source, readingOptions())).rejects.toMatchObject({ code: "unsupported-version" });
    expect(source.taken).toEqual({ chunks: 1, bytes: 64, ended: true });
  });

  it("that ends before its stated length as truncated", async () => {
    const source = memorySource(WHOLE.subarray(0, 100), { sizeBytes: WHOLE.length });
    await expect(readGguf(source, readingOptions())).rejects.toMatchObject({
      code: "truncated",
      message: expect.stringContaining("ended at byte 100"),
    });
  });

  it("through reads of the wrong length as unreadable", async () => {
    const source: ByteSource = { size: 100, label: "model", read: async () => new Uint8Array(5) };
    await expect(readGguf(source, readingOptions())).rejects.toMatchObject({ code: "unreadable" });
  });

  it("until the caller aborts, and then rejects with the caller's own reason", async () => {
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    const chunkBytes = (): number => {
      controller.abort(reason);
      return 10;
    };
    const source = memorySource(WHOLE, { chunkBytes });
    await expect(readGguf(source, { ...readingOptions(), signal: controller.signal })).rejects.toBe(reason);
    expect(source.taken).toEqual({ chunks: 1, bytes: 10, ended: true });
  });

  it("of any bytes without an error of another kind", async () => {
    const damaged = fc
      .array(fc.tuple(fc.nat(WHOLE.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      .map((edits) => {
        const bytes = WHOLE.slice();
        for (const [at, byte] of edits) bytes[at] = byte;
        return bytes;
      });
    const anything = fc
      .uint8Array({ maxLength: 200 })
      .map((bytes) => Uint8Array.of(71, 71, 85, 70, 3, 0, 0, 0, ...bytes));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, anything, fc.uint8Array()), async (bytes) => {
        const error = await readGguf(memorySource(bytes), readingOptions()).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(error === undefined || isInspectError(error)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe("long arrays", () => {
  it("are referred to, not kept, and read on demand in either byte order", async () => {
    for (const littleEndian of [true, false]) {
      const source = memorySource(writeGguf(spec(littleEndian)));
      const { metadata } = await readGguf(source, readingOptions());
      const tokens = reference(metadata, "tokens");
      expect(tokens).toMatchObject({ elementType: "string", length: 2_000 });
      expect(await readGgufArray(source, tokens, littleEndian, readingOptions())).toEqual(TOKENS);
      const scores = reference(metadata, "scores");
      expect(scores).toMatchObject({ elementType: "i32", length: 2_000, bytes: 8_000 });
      expect((await readGgufArray(source, scores, littleEndian, readingOptions()))[1_999]).toBe(-1_999);
    }
  });

  it("are kept up to limits.keptArrayEntries", async () => {
    const { metadata } = await readGguf(memorySource(WHOLE), readingOptions({ keptArrayEntries: 2_000 }));
    expect(metadata.get("tokens")).toEqual({ type: "array", elementType: "string", values: TOKENS });
  });

  it("of 300,000 strings are skipped without decoding one of them (G-18)", async () => {
    const values = Array.from({ length: 300_000 }, (_, index) => `t${index}`);
    const file = writeGguf({ keys: [{ key: "tokens", type: "array", elementType: "string", values }] });
    const decode = vi.spyOn(TextDecoder.prototype, "decode");
    const { metadata } = await readGguf(memorySource(file, { chunkBytes: () => 65_536 }), readingOptions());
    const decoded = decode.mock.calls.length;
    decode.mockRestore();
    expect(decoded).toBe(1);
    expect(reference(metadata, "tokens").length).toBe(300_000);
  });

  it("of 1,000,001 numbers are within the budget (G-18)", async () => {
    const file = writeGguf({
      keys: [
        { key: "n", type: "array", elementType: "u8", values: [new Uint8Array(1_000_001)], valueLength: 1_000_001 },
      ],
    });
    const { metadata } = await readGguf(memorySource(file), readingOptions());
    expect(reference(metadata, "n")).toMatchObject({ length: 1_000_001, bytes: 1_000_001 });
  });

  it("with a string longer than any token are still skipped exactly", async () => {
    const values = [...TOKENS, "x".repeat(70_000), ...TOKENS];
    const file = writeGguf({
      keys: [
        { key: "tokens", type: "array", elementType: "string", values },
        { key: "after", type: "u8", value: 7 },
      ],
    });
    const { metadata } = await readGguf(memorySource(file, { chunkBytes: () => 1_000 }), readingOptions());
    expect(metadata.get("after")).toEqual({ type: "u8", value: 7 });
  });

  it("with a string that claims 4 GiB more than it has are truncated", async () => {
    const lying = Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 0x61);
    const file = writeGguf({
      keys: [{ key: "t", type: "array", elementType: "string", values: [...TOKENS, lying, "b"] }],
    });
    await expect(readGguf(memorySource(file), readingOptions())).rejects.toMatchObject({ code: "truncated" });
  });

  it("that are gone when they are read reject as source-changed", async () => {
    const source = memorySource(WHOLE);
    const { metadata } = await readGguf(source, readingOptions());
    const tokens = reference(metadata, "tokens");
    const other = memorySource(new Uint8Array(WHOLE.length));
    await expect(readGgufArray(other, tokens, true, readingOptions())).rejects.toMatchObject({
      code: "source-changed",
    });
    const shorter = memorySource(WHOLE.subarray(0, tokens.offset + 1));
    await expect(readGgufArray(shorter, tokens, true, readingOptions())).rejects.toMatchObject({
      code: "source-changed",
    });
  });

  it.each([
    ["has no room for the length of its next string", "string", 2, new Uint8Array(12)],
    ["has a string that leads beyond it", "string", 1, Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 65)],
    ["has numbers of another length", "i32", 3, new Uint8Array(8)],
    ["is an array of arrays", "array", 1, new Uint8Array(8)],
  ] as const)("is not read where it %s", async (_, elementType, length, bytes) => {
    const array = { elementType, length, offset: 0, bytes: bytes.length };
    await expect(readGgufArray(memorySource(bytes), array, true, readingOptions())).rejects.toMatchObject({
      code: "source-changed",
      where: { source: "model", offset: 0 },
    });
  });
});

describe("readGgufSibling", () => {
  const quant = (name: string): GgufSpec => ({
    ...spec(true),
    keys: [{ key: "name", type: "string", value: name }, ...(spec(true).keys ?? [])],
  });
  const layout = async () => {
    const known = layoutOf(await readGguf(memorySource(writeGguf(quant("one"))), readingOptions()));
    if (known === undefined) throw new Error("no long array");
    return known;
  };

  it("reads what a full read does, the arrays stepped over", async () => {
    const bytes = writeGguf(quant("two"));
    const full = await readGguf(memorySource(bytes), readingOptions());
    expect(await readGgufSibling(memorySource(bytes), await layout(), readingOptions())).toEqual(full);
  });

  it("gives nothing where another key follows an array, or bytes follow the tensors", async () => {
    const known = await layout();
    const keys = quant("two").keys?.map((key) => (key.key === "scores" ? { ...key, key: "other" } : key)) ?? [];
    const reordered = writeGguf({ ...quant("two"), keys });
    expect(await readGgufSibling(memorySource(reordered), known, readingOptions())).toBeUndefined();
    const longer = new Uint8Array([...writeGguf(quant("two")), ...new Uint8Array(100)]);
    const options = readingOptions();
    expect(await readGgufSibling(memorySource(longer), known, options)).toBeUndefined();
    expect(options.diagnostics).toEqual([]);
  });

  it("gives nothing for a header that a wrong layout makes look damaged", async () => {
    const known = await layout();
    const arrays = new Map([...known.arrays].map(([key, array]) => [key, { ...array, bytes: array.bytes - 1 }]));
    const bytes = writeGguf(quant("two"));
    expect(await readGgufSibling(memorySource(bytes), { ...known, arrays }, readingOptions())).toBeUndefined();
  });

  it("hands on what no layout explains: a failing source, another format", async () => {
    const known = await layout();
    const failing: ByteSource = { size: WHOLE.length, label: "m", read: () => Promise.reject(new TypeError("gone")) };
    await expect(readGgufSibling(failing, known, readingOptions())).rejects.toThrow("gone");
    const page = memorySource(new TextEncoder().encode("<!doctype html><title>404</title>".padEnd(WHOLE.length)));
    await expect(readGgufSibling(page, known, readingOptions())).rejects.toMatchObject({ code: "wrong-format" });
  });
});
