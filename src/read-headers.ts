import type { Diagnostic, Reporter } from "./diagnostics.ts";
import { isInspectError } from "./errors.ts";
import type { KnownLayout } from "./formats/gguf/known-layout.ts";
import { type GgufFile, readGguf, readGgufSibling } from "./formats/gguf/read.ts";
import {
  type DecodeHeader,
  decodeGgufHeader,
  decodeSafetensorsHeader,
  encodeHeader,
  type StoredHeader,
} from "./formats/header-code.ts";
import { segmentReadBytes } from "./formats/header-stream.ts";
import type { ReadingOptions } from "./formats/reading.ts";
import { readSafetensors, type SafetensorsFile } from "./formats/safetensors/read.ts";
import type { ByteSource } from "./source/byte-source.ts";
import { mapBounded } from "./source/pool.ts";
import type { ResolvedSource, SourceOptions, WeightFile } from "./source/resolved.ts";

/** The header of one file of a set. */
export type FileHeader<Header> = { readonly path: string; readonly bytes: number; readonly header: Header };

const REMOTE: ReadonlySet<ResolvedSource["kind"]> = new Set(["http", "hub", "ollama", "modelscope"]);

type AnyHeader = GgufFile | SafetensorsFile;

/** `byLayout`: not all of it was looked at. */
type Found<Header> = FileHeader<Header> & { readonly byLayout?: true };

type Read<Header> = (file: WeightFile, options: ReadingOptions) => Promise<Found<Header>>;

/** The headers of a GGUF set. `known`: the layout of another quantization of the model, to read less by. */
export function readGgufHeaders(
  resolved: ResolvedSource,
  options: SourceOptions,
  report: Reporter,
  known: KnownLayout | undefined,
): Promise<FileHeader<GgufFile>[]> {
  return readHeaders(resolved, options, report, decodeGgufHeader, known !== undefined, async (file, reading) => {
    if (known !== undefined && reading.file === 0) {
      const { header, ...rest } = await readFile(file, reading, (source) => readGgufSibling(source, known, reading), {
        firstBytes: segmentReadBytes(known.segments[0] ?? 0),
      });
      if (header !== undefined) return { ...rest, header, byLayout: true };
    }
    return readFile(file, reading, readGguf);
  });
}

export function readSafetensorsHeaders(
  resolved: ResolvedSource,
  options: SourceOptions,
  report: Reporter,
): Promise<FileHeader<SafetensorsFile>[]> {
  return readHeaders(resolved, options, report, decodeSafetensorsHeader, false, (file, reading) =>
    readFile(file, reading, readSafetensors),
  );
}

async function readFile<Header>(
  file: WeightFile,
  reading: ReadingOptions,
  read: (source: ByteSource, reading: ReadingOptions) => Promise<Header>,
  { firstBytes }: { readonly firstBytes?: number } = {},
): Promise<FileHeader<Header>> {
  const source = await file.open(reading.signal, firstBytes);
  try {
    const header = await read(source, reading);
    return { path: source.path ?? file.path, bytes: source.size, header };
  } finally {
    await source.close?.();
  }
}

/** Reads the header of every file of the set, several at once; the first failure stops the others. */
async function readHeaders<Header extends AnyHeader>(
  resolved: ResolvedSource,
  options: SourceOptions,
  report: Reporter,
  decode: DecodeHeader<Header>,
  trustsLayout: boolean,
  read: Read<Header>,
): Promise<FileHeader<Header>[]> {
  const { limits, signal, slots } = options;
  const isRemote = REMOTE.has(resolved.kind);

  async function readOne(file: WeightFile, index: number, stop: AbortSignal): Promise<FileHeader<Header>> {
    const found =
      (await storedHeader(options, file.cacheKey, index, decode)) ??
      (trustsLayout ? await storedHeader(options, layoutKey(file), index, decode) : undefined) ??
      (await readFresh(file, index, stop));
    for (const { code, message, where } of found.diagnostics) report(code, message, where);
    file.headerRead?.(found.header.headerBytes);
    return found;
  }

  async function readFresh(file: WeightFile, index: number, stop: AbortSignal): Promise<StoredHeader<Header>> {
    const diagnostics: Diagnostic[] = [];
    const collect: Reporter = (code, message, where) => void diagnostics.push({ code, message, where });
    const { byLayout, ...found } = await read(file, { limits, report: collect, signal: stop, file: index });
    const fresh = { ...found, diagnostics };
    await store(options, byLayout ? layoutKey(file) : file.cacheKey, fresh);
    return fresh;
  }

  async function readInTurn(file: WeightFile, index: number, stop: AbortSignal): Promise<FileHeader<Header>> {
    const release = file.takenSlot?.() ?? (await slots?.take(stop));
    try {
      return await readOne(file, index, stop);
    } catch (error) {
      // Replaced on its server between two answers: once is an upload, twice is not worth a third try.
      if (!isRemote || !isInspectError(error, "source-changed")) throw error;
      return await readOne(file, index, stop);
    } finally {
      release?.();
    }
  }

  try {
    return await mapBounded(resolved.files, limits.concurrency, signal, readInTurn);
  } catch (error) {
    for (const file of resolved.files) file.abandon?.();
    throw error;
  }
}

/** What was read by a layout is kept apart: a read in full does not rely on it. */
function layoutKey({ cacheKey }: WeightFile): string | undefined {
  return cacheKey && `${cacheKey}\nby layout`;
}

/** A cache that fails is one that has nothing. */
async function storedHeader<Header>(
  { headerCache }: SourceOptions,
  cacheKey: string | undefined,
  index: number,
  decode: DecodeHeader<Header>,
): Promise<StoredHeader<Header> | undefined> {
  if (headerCache === undefined || cacheKey === undefined) return undefined;
  const bytes = await headerCache.get(cacheKey).catch(() => undefined);
  return bytes && decode(bytes, index);
}

async function store(
  { headerCache }: SourceOptions,
  cacheKey: string | undefined,
  found: StoredHeader<AnyHeader>,
): Promise<void> {
  if (headerCache === undefined || cacheKey === undefined) return;
  await headerCache.set(cacheKey, encodeHeader(found)).catch(() => undefined);
}
