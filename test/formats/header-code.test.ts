import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../src/diagnostics.ts";
import { type GgufFile, readGguf } from "../../src/formats/gguf/read.ts";
import { decodeGgufHeader, decodeSafetensorsHeader, encodeHeader } from "../../src/formats/header-code.ts";
import { readSafetensors } from "../../src/formats/safetensors/read.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { memorySource } from "./memory-source.ts";
import { type GgufKeySpec, writeGguf } from "./write-gguf.ts";

const FILES = join(import.meta.dirname, "..", "..", "fixtures", "files");
const options = { limits: DEFAULT_LIMITS, report: () => {}, signal: undefined, file: 2 };

async function gguf(keys: readonly GgufKeySpec[]): Promise<GgufFile> {
  return readGguf(memorySource(writeGguf({ keys })), options);
}

describe("a header as bytes to keep", () => {
  it.each(readdirSync(join(FILES, "gguf")))("is the same when taken out again: %s", async (name) => {
    const bytes = readFileSync(join(FILES, "gguf", name));
    const stored = {
      path: name,
      bytes: bytes.length,
      header: await readGguf(memorySource(bytes), options),
      diagnostics: [],
    };
    expect(decodeGgufHeader(encodeHeader(stored), 2)).toEqual(stored);
  });

  it("is the same when taken out again: safetensors, for another place in its set", async () => {
    const bytes = readFileSync(join(FILES, "safetensors", "llama-3", "model.safetensors"));
    const diagnostics: Diagnostic[] = [{ code: "invalid-header", message: "odd", where: "model.safetensors" }];
    const header = await readSafetensors(memorySource(bytes), options);
    const back = decodeSafetensorsHeader(encodeHeader({ path: "m", bytes: 1, header, diagnostics }), 7);
    const moved = { ...header, tensors: header.tensors.map((tensor) => ({ ...tensor, file: 7 })) };
    expect(back).toEqual({ path: "m", bytes: 1, header: moved, diagnostics });
  });

  it("keeps what JSON cannot carry", async () => {
    const header = await gguf([
      { key: "u64", type: "u64", value: 2n ** 63n },
      { key: "i64", type: "i64", value: -(2n ** 62n) },
      { key: "nan", type: "f32", value: Number.NaN },
      { key: "infinite", type: "f64", value: Number.NEGATIVE_INFINITY },
      { key: "zero", type: "f32", value: -0 },
      { key: "text", type: "string", value: '\u{fffd}"\\\0\ud83d' },
      { key: "__proto__", type: "string", value: "a key like others" },
      { key: "many", type: "array", elementType: "u64", values: [2n ** 60n, 1] },
      { key: "long", type: "array", elementType: "u8", values: Array.from({ length: 2_000 }, () => 1) },
    ]);
    const back = decodeGgufHeader(encodeHeader({ path: "m", bytes: 1, header, diagnostics: [] }), 2);
    expect(back?.header).toEqual(header);
  });

  it.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["another thing", "{}"],
    ["another version", '{"version":0,"file":{},"header":{},"metadata":[],"tensors":[]}'],
    ["half of it", '{"version":1,"file":{},"header":{}}'],
  ])("is not made of %s", (_, text) => {
    expect(decodeGgufHeader(new TextEncoder().encode(text), 0)).toBeUndefined();
  });
});
