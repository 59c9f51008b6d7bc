import { gguf } from "@huggingface/gguf";
import { describe, expect, it } from "vitest";
import { readGguf } from "../../../src/formats/gguf/read.ts";
import { GGML_TYPES_BY_NAME } from "../../../src/formats/gguf/types.ts";
import { memorySource, readingOptions } from "../memory-source.ts";
import { type GgufSpec, writeGguf } from "../write-gguf.ts";

const SPEC: GgufSpec = {
  keys: [
    { key: "general.architecture", type: "string", value: "llama" },
    { key: "general.name", type: "string", value: "Größe 🤗" },
    { key: "general.alignment", type: "u32", value: 64 },
    { key: "llama.block_count", type: "u32", value: 2 },
    { key: "llama.rope.freq_base", type: "f32", value: 500_000 },
    { key: "some.bool", type: "bool", value: true },
    { key: "some.i64", type: "i64", value: -(2n ** 60n) },
    { key: "some.u8s", type: "array", elementType: "u8", values: [1, 2, 255] },
    { key: "some.f64s", type: "array", elementType: "f64", values: [0.5, -1e300] },
    { key: "tokenizer.ggml.tokens", type: "array", elementType: "string", values: ["<s>", "", "Ġa", "\u0000"] },
  ],
  tensors: [
    { name: "token_embd.weight", shape: [256, 4], type: 12 },
    { name: "blk.0.attn_q.weight", shape: [32, 3, 2], type: 8, offset: 576 },
    { name: "output_norm.weight", shape: [5], offset: 576 + 256 },
  ],
  alignment: 64,
  dataBytes: 576 + 256 + 20,
};

/** Both readers keep large integers exact; they differ in which ones are bigints. */
const asNumbers = (value: unknown): unknown =>
  Array.isArray(value) ? value.map(asNumbers) : typeof value === "bigint" ? Number(value) : value;

describe("readGguf and @huggingface/gguf", () => {
  it.each([
    ["little-endian version 3", 3, true],
    ["little-endian version 2", 2, true],
    ["big-endian version 3", 3, false],
  ])("read the same from a %s file", async (_, version, littleEndian) => {
    const bytes = writeGguf({ ...SPEC, version, littleEndian });
    const fetch = async (): Promise<Response> => new Response(bytes.slice().buffer);
    const other = await gguf("http://127.0.0.1/model.gguf", { fetch });
    const file = await readGguf(memorySource(bytes), readingOptions());

    expect(file.version).toBe(other.metadata.version);
    expect(file.littleEndian).toBe(other.littleEndian);
    expect(file.headerBytes).toBe(Number(other.tensorDataOffset));
    expect(file.metadata.size).toBe(SPEC.keys!.length);
    const others = new Map<string, unknown>(Object.entries(other.metadata));
    for (const [key, entry] of file.metadata) {
      if ("reference" in entry) throw new Error(`${key} was not kept`);
      expect([key, asNumbers("value" in entry ? entry.value : entry.values)]).toEqual([
        key,
        asNumbers(others.get(key)),
      ]);
    }
    expect(
      file.tensors.map(({ name, shape, dtype, offset }) => ({
        name,
        n_dims: shape.length,
        shape: shape.map(BigInt),
        dtype: GGML_TYPES_BY_NAME.get(dtype)?.id,
        offset: BigInt(offset - file.headerBytes),
      })),
    ).toEqual(other.tensorInfos);
  });
});
