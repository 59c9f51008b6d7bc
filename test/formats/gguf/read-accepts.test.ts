import { describe, expect, it } from "vitest";
import { readGguf } from "../../../src/formats/gguf/read.ts";
import { GGUF_ACCEPTED } from "../../malformed/gguf-accepted.ts";
import { key, NAME, TENSOR, tensor } from "../../malformed/gguf-parts.ts";
import { memorySource, readingOptions } from "../memory-source.ts";
import { type GgufSpec, writeGguf } from "../write-gguf.ts";

describe("readGguf accepts", () => {
  it.each(GGUF_ACCEPTED.map((row) => [row.title, row] as const))("%s", async (_, { file, reports, check }) => {
    const options = readingOptions();
    const read = await readGguf(memorySource(writeGguf(file)), options);
    check?.(read);
    expect(options.diagnostics.map(({ code }) => code)).toEqual(reports ?? []);
  });

  it("nothing that needs a diagnostic when strict", async () => {
    const reading = readGguf(memorySource(writeGguf(tensor({}, 40))), readingOptions({}, true));
    await expect(reading).rejects.toMatchObject({
      code: "trailing-bytes",
      message: expect.stringContaining("8 bytes"),
    });
  });

  it("tensors that end beyond 4 GiB, with exact offsets", async () => {
    const shape = [2 ** 20, 2 ** 10];
    const spec: GgufSpec = {
      tensors: [
        { name: "a", shape },
        { name: "b", shape, offset: 2 ** 32 },
      ],
    };
    const header = writeGguf(spec);
    const source = memorySource(header, { sizeBytes: header.length + 2 ** 33 });
    const { tensors, headerBytes } = await readGguf(source, readingOptions());
    expect(tensors.map(({ offset }) => offset - headerBytes)).toEqual([0, 2 ** 32]);
  });
});

describe("readGguf keeps to its limits", () => {
  const limited: readonly (readonly [string, GgufSpec, Parameters<typeof readingOptions>[0]])[] = [
    ["metadataKeys", { keys: [NAME, { ...NAME, key: "b" }] }, { metadataKeys: 1 }],
    ["tensors", { tensors: [TENSOR, { ...TENSOR, name: "b", offset: 32 }], dataBytes: 48 }, { tensors: 1 }],
    ["stringBytes", { keys: [NAME] }, { stringBytes: 19 }],
    ["arrayEntries", key({ type: "array", elementType: "u8", values: [1, 2] }), { arrayEntries: 1 }],
    ["ggufHeaderBytes", { keys: [NAME, { ...NAME, key: "b" }] }, { ggufHeaderBytes: 60 }],
  ];
  it.each(limited)("limits.%s", async (name, spec, limits) => {
    await expect(readGguf(memorySource(writeGguf(spec)), readingOptions(limits))).rejects.toMatchObject({
      code: "limit-exceeded",
      message: expect.stringContaining(`limits.${name}`),
    });
  });
});
