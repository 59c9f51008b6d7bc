import { FILE_KIND_BYTES, fileKindOf } from "../bytes/file-kind.ts";
import { InspectError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import { formatByName } from "./model-files.ts";

const LENGTH_BYTES = 8;

/**
 * Format by file name, else by the first bytes: the GGUF magic, or a safetensors header length that fits the
 * file. What a file really is, is settled by its reader.
 */
export async function sniffFormat(source: ByteSource, signal?: AbortSignal): Promise<"gguf" | "safetensors"> {
  const named = formatByName(source.path ?? source.label);
  if (named !== undefined) return named;
  const first = await source.read(0, Math.min(FILE_KIND_BYTES, source.size), signal);
  const found = fileKindOf(first);
  if (found?.kind === "gguf" || found?.kind === "safetensors") return found.kind;
  if (found === undefined && first.byteLength >= LENGTH_BYTES) {
    const headerBytes = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
    if (headerBytes > 0n && headerBytes + BigInt(LENGTH_BYTES) <= BigInt(source.size)) return "safetensors";
  }
  const is = found === undefined ? "Is it the right file, and complete?" : `It is ${found.phrase}. ${found.hint}`;
  throw new InspectError(
    "wrong-format",
    `${source.label} is neither a GGUF file (those begin with "GGUF") nor a safetensors file (those begin with the length of their header). ${is}`,
    { source: source.label, offset: 0 },
  );
}
