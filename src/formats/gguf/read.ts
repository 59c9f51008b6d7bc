import { quote } from "../../bytes/printable.ts";
import type { StreamCursor } from "../../bytes/stream-cursor.ts";
import type { Reporter } from "../../diagnostics.ts";
import { type InspectCode, InspectError } from "../../errors.ts";
import type { ByteSource } from "../../source/byte-source.ts";
import { readHeader, readSegments, rejectOtherFormat } from "../header-stream.ts";
import type { ReadingOptions } from "../reading.ts";
import type { TensorEntry } from "../tensor-entry.ts";
import { followsLayout, type KnownLayout } from "./known-layout.ts";
import { alignmentOf, placeTensors } from "./layout.ts";
import { readMetadata } from "./read-metadata.ts";
import { readTensorInfos } from "./read-tensor-infos.ts";
import { readUnsigned64 } from "./scalar.ts";
import { type GgufSplit, splitOf } from "./split.ts";
import type { GgufMetadata } from "./value.ts";

/** The header of one GGUF file. */
export type GgufFile = {
  /** 2 or 3. */
  readonly version: number;
  readonly littleEndian: boolean;
  /** Bytes that tensor data is aligned to. */
  readonly alignment: number;
  readonly metadata: GgufMetadata;
  /** In file order, which is also offset order. */
  readonly tensors: readonly TensorEntry[];
  /** Where the tensor data starts; the end of the header in a file without tensors. */
  readonly headerBytes: number;
  /** Present when the file says it is one of a set. */
  readonly split?: GgufSplit;
};

const MAGIC = "GGUF";
const MAGIC_BYTES = 4;
const PREAMBLE_BYTES = 24;
/** Length 8, name 1, type 4, value 1. */
const SMALLEST_KEY_BYTES = 14;
/** Name length 8, number of dimensions 4, type 4, offset 8. */
const SMALLEST_TENSOR_BYTES = 24;

const VERSION_1_HINT = "Convert the model again, or download a newer file; llama.cpp does not load it either.";

/**
 * Reads the header of a GGUF file in one pass over the source's stream, which is ended right after the last
 * tensor. Long arrays are skipped and referred to. What llama.cpp (`gguf_init_from_file` of ggml/src/gguf.cpp,
 * v0.5.0) rejects is rejected with a typed error; big-endian files, which it loads on big-endian machines only,
 * are read everywhere.
 */
export async function readGguf(source: ByteSource, options: ReadingOptions): Promise<GgufFile> {
  return readHeader(source, budgetOf(options), options.signal, (cursor) => parseHeader(cursor, source, options));
}

/**
 * Reads the header of another quantization of a model whose layout is known: all of it but the long arrays, such as the
 * vocabulary. Undefined when anything is not as it follows from the layout, or the file is not exactly as long as its
 * tensors say: then it has to be read in full.
 */
export async function readGgufSibling(
  source: ByteSource,
  known: KnownLayout,
  options: ReadingOptions,
): Promise<GgufFile | undefined> {
  const found: Parameters<Reporter>[] = [];
  const collect: Reporter = (...diagnostic) => void found.push(diagnostic);
  try {
    const file = await readSegments(source, known.segments, budgetOf(options), options.signal, (cursor) =>
      parseHeader(cursor, source, { ...options, report: collect }, known),
    );
    if (!followsLayout(file, known) || found.some(([code]) => code === "trailing-bytes")) return undefined;
    for (const diagnostic of found) options.report(...diagnostic);
    return file;
  } catch (error) {
    if (!(error instanceof InspectError) || !LAYOUT_CODES.has(error.code)) throw error;
    return undefined;
  }
}

/** What goes wrong where a file is read by a layout that it does not have. */
const LAYOUT_CODES: ReadonlySet<InspectCode> = new Set<InspectCode>([
  "duplicate-key",
  "duplicate-tensor",
  "invalid-alignment",
  "invalid-metadata",
  "invalid-offset",
  "invalid-tensor",
  "limit-exceeded",
  "overflow",
  "truncated",
  "unknown-dtype",
]);

function budgetOf({ limits }: ReadingOptions) {
  return { limitBytes: limits.ggufHeaderBytes, limitName: "ggufHeaderBytes" } as const;
}

async function parseHeader(
  cursor: StreamCursor,
  source: ByteSource,
  options: ReadingOptions,
  known?: KnownLayout,
): Promise<GgufFile> {
  const { limits, report } = options;
  const { label } = source;
  await checkMagic(cursor, label);
  await cursor.fill(PREAMBLE_BYTES, "the GGUF preamble");
  cursor.advance(MAGIC_BYTES);
  const { version, littleEndian } = readVersion(cursor, label);
  const counts = cursor.takeView(16);
  const tensorCount = readUnsigned64(counts, 0, littleEndian);
  const keyCount = readUnsigned64(counts, 8, littleEndian);
  cursor.require(
    BigInt(keyCount) * BigInt(SMALLEST_KEY_BYTES) + BigInt(tensorCount) * BigInt(SMALLEST_TENSOR_BYTES),
    `${keyCount} metadata keys and ${tensorCount} tensors, as small as they can be`,
  );
  checkCount(keyCount, limits.metadataKeys, "metadata keys", "metadataKeys", label);
  checkCount(tensorCount, limits.tensors, "tensors", "tensors", label);

  const reading = { label, littleEndian, limits, report, known };
  const metadata = await readMetadata(cursor, Number(keyCount), reading);
  const alignment = alignmentOf(metadata, label);
  const infos = await readTensorInfos(cursor, Number(tensorCount), reading);
  const { tensors, headerBytes } = placeTensors(infos, {
    label,
    headerEnd: cursor.offset,
    alignment,
    sizeBytes: source.size,
    file: options.file,
    report,
  });
  const split = splitOf(metadata);
  return { version, littleEndian, alignment, metadata, tensors, headerBytes, ...(split && { split }) };
}

async function checkMagic(cursor: StreamCursor, label: string): Promise<void> {
  const magicBytes = Math.min(MAGIC_BYTES, cursor.readableBytes);
  await cursor.fill(magicBytes, "the magic number");
  const magic = String.fromCharCode(...cursor.window().subarray(0, magicBytes));
  if (magic === MAGIC) return;
  if (magicBytes > 0 && MAGIC.startsWith(magic)) return cursor.require(MAGIC_BYTES, "the magic number");
  await rejectOtherFormat(cursor, label, "gguf");
  throw new InspectError("bad-magic", `${label} is not a GGUF file: it begins with ${quote(magic)}, not "GGUF".`, {
    source: label,
    offset: 0,
  });
}

/**
 * A big-endian file shows its version in the high half of a little-endian read: the same test llama.cpp uses to
 * tell a foreign byte order.
 */
function readVersion(cursor: StreamCursor, label: string): { version: number; littleEndian: boolean } {
  const view = cursor.takeView(4);
  const asLittle = view.getUint32(0, true);
  const littleEndian = (asLittle & 0xffff) !== 0;
  const version = littleEndian ? asLittle : view.getUint32(0, false);
  if (version === 2 || version === 3) return { version, littleEndian };
  const hint = version === 1 ? VERSION_1_HINT : "Versions 2 and 3 exist; is the file damaged?";
  throw new InspectError("unsupported-version", `${label} is a GGUF file of version ${version}. ${hint}`, {
    source: label,
    offset: MAGIC_BYTES,
  });
}

function checkCount(count: number | bigint, limit: number, noun: string, limitName: string, label: string): void {
  if (count <= limit) return;
  throw new InspectError(
    "limit-exceeded",
    `${label} has ${count} ${noun}, more than ${limit}. Raise limits.${limitName} to read it.`,
    { source: label },
  );
}
