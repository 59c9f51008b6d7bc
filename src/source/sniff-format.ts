import { InspectError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import { formatByName } from "./model-files.ts";

const SNIFF_BYTES = 8;
const GGUF = "GGUF";

/**
 * Format by file name, else by the first 8 bytes: the GGUF magic, or a safetensors header length that fits the
 * file. What a file really is, is settled by its reader.
 */
export async function sniffFormat(source: ByteSource, signal?: AbortSignal): Promise<"gguf" | "safetensors"> {
  const named = formatByName(source.path ?? source.label);
  if (named !== undefined) return named;
  const first = await source.read(0, Math.min(SNIFF_BYTES, source.size), signal);
  if (String.fromCharCode(...first.subarray(0, GGUF.length)) === GGUF) return "gguf";
  if (first.byteLength === SNIFF_BYTES) {
    const headerBytes = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
    if (headerBytes > 0n && headerBytes + BigInt(SNIFF_BYTES) <= BigInt(source.size)) return "safetensors";
  }
  throw new InspectError(
    "wrong-format",
    `${source.label} is neither a GGUF file (those begin with "GGUF") nor a safetensors file (those begin with the length of their header). Is it the right file, and complete?`,
    { source: source.label, offset: 0 },
  );
}
