import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isInspectError } from "../../../src/errors.ts";
import { readSafetensors } from "../../../src/formats/safetensors/read.ts";
import { memorySource, readingOptions, withoutStream } from "../memory-source.ts";
import { writeSafetensors } from "../write-safetensors.ts";

type Header = { readonly text: string; readonly dataBytes: number };

/** Headers that are valid by construction: names of any kind, tensors laid end to end, keys in any order. */
const headers: fc.Arbitrary<Header> = fc
  .record({
    tensors: fc.uniqueArray(
      fc.record({
        name: fc.string({ unit: "grapheme" }).filter((name) => name !== "__metadata__"),
        shape: fc.array(fc.nat(5), { maxLength: 4 }),
      }),
      { selector: ({ name }) => name, maxLength: 8 },
    ),
    metadata: fc.dictionary(fc.string(), fc.string({ unit: "grapheme" })),
    space: fc.constantFrom("", "  ", "\n"),
    reversed: fc.boolean(),
  })
  .map(({ tensors, metadata, space, reversed }) => {
    let end = 0;
    const entries: [string, unknown][] = tensors.map(({ name, shape }) => {
      const begin = end;
      end += shape.reduce((product, dimension) => product * dimension, 1) * 2;
      return [name, { dtype: "BF16", shape, data_offsets: [begin, end] }];
    });
    const ordered = reversed ? entries.reverse() : entries;
    const members = [["__metadata__", metadata] as const, ...ordered];
    const text = `{${members.map(([key, value]) => `${JSON.stringify(key)}:${space}${JSON.stringify(value)}`).join(",")}}`;
    return { text: text + space, dataBytes: end };
  });

describe("readSafetensors reads a stream", () => {
  it("of any valid header as JSON.parse reads it, in chunks of any length", async () => {
    await fc.assert(
      fc.asyncProperty(headers, fc.integer({ min: 1, max: 100 }), async ({ text, dataBytes }, chunk) => {
        const source = memorySource(writeSafetensors({ header: text, dataBytes }), { chunkBytes: () => chunk });
        const read = await readSafetensors(source, readingOptions());
        const { __metadata__: metadata, ...tensors } = JSON.parse(text, (_key, value) =>
          value !== null && typeof value === "object" && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value))
            : value,
        );
        expect(Object.fromEntries(read.metadata)).toEqual(metadata);
        const rebuilt = read.tensors.map(({ name, dtype, shape, offset, bytes }) => {
          const begin = offset - read.headerBytes;
          return [name, { dtype, shape, data_offsets: [begin, begin + bytes] }];
        });
        expect(Object.fromEntries(rebuilt)).toEqual(tensors);
      }),
      { numRuns: 200 },
    );
  });

  it("and rejects every strict prefix as truncated, with or without a stream", async () => {
    const [{ text, dataBytes }] = fc.sample(
      headers.filter(({ dataBytes }) => dataBytes > 4),
      { numRuns: 1, seed: 7 },
    ) as [Header];
    const whole = writeSafetensors({ header: text, dataBytes });
    for (let length = 0; length < whole.length; length++) {
      const source = memorySource(whole.subarray(0, length), { chunkBytes: () => 1 + (length % 5) });
      const expected = { name: "InspectError", code: "truncated" };
      await expect(readSafetensors(source, readingOptions())).rejects.toMatchObject(expected);
      await expect(readSafetensors(withoutStream(source), readingOptions())).rejects.toMatchObject(expected);
    }
  });

  it("no further than the chunk in which the header ends, and ends it", async () => {
    const header = '{"t":{"dtype":"U8","shape":[4000],"data_offsets":[0,4000]}}';
    const source = memorySource(writeSafetensors({ header, dataBytes: 4_000 }), { chunkBytes: () => 16 });
    const { headerBytes } = await readSafetensors(source, readingOptions());
    expect(source.taken.bytes).toBeLessThan(headerBytes + 16);
    expect(source.taken.ended).toBe(true);
  });

  it("of any bytes without an error of another kind", async () => {
    const damaged = fc
      .tuple(headers, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([header, edits]) => {
        const bytes = writeSafetensors({ header: header.text, dataBytes: header.dataBytes });
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
        return bytes;
      });
    const anyText = fc.string({ unit: "binary" }).map((header) => writeSafetensors({ header }));
    const anyJson = fc.json().map((header) => writeSafetensors({ header }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(damaged, anyText, anyJson, fc.uint8Array()), async (bytes) => {
        const error = await readSafetensors(memorySource(bytes), readingOptions()).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(error === undefined || isInspectError(error)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
