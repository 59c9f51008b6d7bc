/**
 * A source of your own: anything that can hand out a range of bytes. Here a buffer; it could be an object store, an
 * archive or a database. `read` must return exactly the bytes asked for.
 *
 *     npx tsx examples/own-byte-source.ts
 */
import { readFile } from "node:fs/promises";
import { type ByteSource, inspectModel } from "weighin";

function countingSource(bytes: Uint8Array, label: string): ByteSource & { readonly bytesRead: () => number } {
  let bytesRead = 0;
  return {
    size: bytes.byteLength,
    label,
    async read(start, end) {
      bytesRead += end - start;
      return bytes.subarray(start, end);
    },
    bytesRead: () => bytesRead,
  };
}

const source = countingSource(await readFile("fixtures/files/demo.gguf"), "demo.gguf");
const model = await inspectModel(source);
console.log(`${model.architecture}, ${model.layerCount} layers, ${model.weights.bytes} bytes of weights`);
console.log(`read ${source.bytesRead()} of ${source.size} bytes`);
