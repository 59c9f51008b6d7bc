import { quote } from "../../bytes/printable.ts";
import type { StreamCursor } from "../../bytes/stream-cursor.ts";
import { decodeUtf8 } from "../../bytes/strict-json.ts";
import { InspectError } from "../../errors.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import { readHeader, rejectOtherFormat } from "../header-stream.ts";
import type { ReadingOptions } from "../reading.ts";
import type { TensorEntry } from "../tensor-entry.ts";
import { placeTensors } from "./layout.ts";
import { parseHeaderText } from "./parse-header.ts";

/** The header of one safetensors file. */
export type SafetensorsFile = {
  /** `__metadata__`, empty without it. */
  readonly metadata: ReadonlyMap<string, string>;
  /** In offset order. */
  readonly tensors: readonly TensorEntry[];
  /** Where the tensor data starts: 8 bytes and the header text. */
  readonly headerBytes: number;
};

const LENGTH_BYTES = 8;
const OPEN_BRACE = 0x7b;
const JSON_SPACE: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];

/**
 * Reads the header of a safetensors file by one pass over the start of its stream. What the reference
 * (`SafeTensors::read_metadata` of huggingface/safetensors) rejects is rejected with a typed error; so are
 * duplicate names, which its specification disallows.
 */
export async function readSafetensors(source: ByteSource, options: ReadingOptions): Promise<SafetensorsFile> {
  const budget = {
    limitBytes: LENGTH_BYTES + options.limits.safetensorsHeaderBytes,
    limitName: "safetensorsHeaderBytes",
  } as const;
  return readHeader(source, budget, options.signal, async (cursor) => {
    const textBytes = await readLength(cursor, source, options);
    const text = await readText(cursor, textBytes, source, options);
    const { metadata, tensors } = parseHeaderText(text, source.label, LENGTH_BYTES, options);
    const headerBytes = LENGTH_BYTES + textBytes;
    const layout = { label: source.label, headerBytes, sizeBytes: source.size, file: options.file };
    return { metadata, tensors: placeTensors(tensors, layout), headerBytes };
  });
}

/** The length of the header text, checked against the file and the limit before any of it is read. */
async function readLength(cursor: StreamCursor, source: ByteSource, { limits }: ReadingOptions): Promise<number> {
  const { label } = source;
  if (source.size < LENGTH_BYTES) {
    await rejectOtherFormat(cursor, label, "safetensors");
    cursor.require(LENGTH_BYTES, "the length of the header");
  }
  await cursor.fill(LENGTH_BYTES, "the length of the header");
  const prefix = cursor.window();
  const view = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES);
  const textBytes = view.getBigUint64(0, true);
  const limit = limits.safetensorsHeaderBytes;
  const plausible = textBytes > 0n && textBytes <= limit && textBytes <= source.size - LENGTH_BYTES;
  if (!plausible) await rejectOtherFormat(cursor, label, "safetensors");
  if (textBytes > limit) {
    throw new InspectError(
      "limit-exceeded",
      `${label} is not a safetensors file, or a damaged one: its first 8 bytes give a header of ${textBytes} bytes, more than ${limit} (limits.safetensorsHeaderBytes).`,
      { source: label, offset: 0 },
    );
  }
  cursor.advance(LENGTH_BYTES);
  return Number(textBytes);
}

/** The header text. Its first byte is looked at before the rest is waited for. */
async function readText(
  cursor: StreamCursor,
  textBytes: number,
  source: ByteSource,
  { report }: ReadingOptions,
): Promise<string> {
  const { label } = source;
  const what = "the header";
  cursor.require(textBytes, what);
  if (textBytes > 0) {
    await cursor.fill(1, what);
    const first = cursor.window()[0] ?? 0;
    if (JSON_SPACE.includes(first)) {
      report("invalid-header", "The header begins with whitespace; the specification asks for {.", label);
    } else if (first !== OPEN_BRACE && first < 0x80) {
      throw new InspectError(
        "invalid-header",
        `${label} is not a safetensors file, or a damaged one: its header begins with ${quote(String.fromCharCode(first))}, not with "{".`,
        { source: label, offset: LENGTH_BYTES },
      );
    }
  }
  await cursor.fill(textBytes, what);
  return decodeUtf8(cursor.take(textBytes), label);
}
