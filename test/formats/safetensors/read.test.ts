import { describe, expect, it } from "vitest";
import { printable } from "../../../src/bytes/printable.ts";
import { isInspectError } from "../../../src/errors.ts";
import { readSafetensors } from "../../../src/formats/safetensors/read.ts";
import { SAFETENSORS_ACCEPTED } from "../../malformed/safetensors-accepted.ts";
import { F32, withShape } from "../../malformed/safetensors-parts.ts";
import { SAFETENSORS_REJECTED } from "../../malformed/safetensors-rejected.ts";
import { memorySource, readingOptions } from "../memory-source.ts";
import { writeSafetensors } from "../write-safetensors.ts";

describe("readSafetensors rejects", () => {
  it.each(SAFETENSORS_REJECTED.map((row) => [row.title, row] as const))("%s", async (_, { file, code, says }) => {
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

  it.each([
    ["an end beyond 2^53", withShape("[4503599627370496]", "[0,18014398509481984]"), "ends at 18014398509481984"],
    ["elements beyond 2^53", withShape("[9007199254740993]", "[0,9007199254740993]", "U8"), "too large for any file"],
    ["a dimension beyond 2^53 beside one of 0", withShape("[0,9007199254740993]", "[0,0]"), "has a dimension beyond"],
  ])("%s, which no number holds exactly", async (_, header, says) => {
    const source = memorySource(writeSafetensors({ header }));
    await expect(readSafetensors(source, readingOptions())).rejects.toMatchObject({
      code: "overflow",
      message: expect.stringContaining(says),
      where: { tensor: "t" },
    });
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

describe("readSafetensors accepts", () => {
  it.each(SAFETENSORS_ACCEPTED.map((row) => [row.title, row] as const))("%s", async (_, { file, reports, check }) => {
    const options = readingOptions();
    const read = await readSafetensors(memorySource(writeSafetensors(file)), options);
    check?.(read);
    expect(options.diagnostics.map(({ code }) => code)).toEqual(reports ?? []);
  });
});
