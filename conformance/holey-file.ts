import { truncateSync, writeFileSync } from "node:fs";
import { type GgufFile, writeGgufHeader } from "../fixtures/write-gguf.ts";
import type { ByteSource } from "../src/source/byte-source.ts";

/** A GGUF file as long as it would be, whose data are zeros that nobody stored. */
export function holeyFile(file: GgufFile): ByteSource {
  const { header, fileBytes } = writeGgufHeader(file);
  return {
    size: fileBytes,
    label: "model.gguf",
    read: async (start, end) => {
      const bytes = new Uint8Array(end - start);
      bytes.set(header.subarray(start, Math.min(end, header.length)));
      return bytes;
    },
  };
}

/** The same on a disk: a header, and a hole as long as the data. */
export function writeHoleyFile(path: string, file: GgufFile): void {
  const { header, fileBytes } = writeGgufHeader(file);
  writeFileSync(path, header);
  truncateSync(path, fileBytes);
}
