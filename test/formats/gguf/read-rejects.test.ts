import { describe, expect, it } from "vitest";
import { printable } from "../../../src/bytes/printable.ts";
import { isInspectError } from "../../../src/errors.ts";
import { readGguf } from "../../../src/formats/gguf/read.ts";
import { GGUF_REJECTED } from "../../malformed/gguf-rejected.ts";
import { memorySource, readingOptions } from "../memory-source.ts";
import { writeGguf } from "../write-gguf.ts";

describe("readGguf rejects", () => {
  it.each(GGUF_REJECTED.map((row) => [row.title, row] as const))("%s", async (_, { file, code, says }) => {
    const bytes = file instanceof Uint8Array ? file : writeGguf(file);
    const error = await readGguf(memorySource(bytes), readingOptions()).catch((error: unknown) => error);
    if (!isInspectError(error)) throw new Error(`no InspectError: ${String(error)}`);
    expect({ code: error.code, source: error.where.source }).toEqual({ code, source: "model" });
    expect(error.message).toContain(says ?? "");
    expect(error.message).toBe(printable(error.message));
  });
});
