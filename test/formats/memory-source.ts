import { type Diagnostic, makeReporter } from "../../src/diagnostics.ts";
import type { ReadingOptions } from "../../src/formats/reading.ts";
import { DEFAULT_LIMITS, type Limits } from "../../src/limits.ts";
import type { ByteSource } from "../../src/source/byte-source.ts";

/** A source over bytes in memory that counts what is taken from it. */
export type MemorySource = ByteSource & {
  stream(start: number, signal?: AbortSignal): AsyncGenerator<Uint8Array>;
  readonly taken: { chunks: number; bytes: number; ended: boolean };
};

export type MemorySourceOptions = {
  /** Length of the next chunk; the whole rest by default. */
  readonly chunkBytes?: () => number;
  /** Length of the file, when its data is not in `bytes` (what is beyond them reads as an error). */
  readonly sizeBytes?: number;
};

export function memorySource(bytes: Uint8Array, options: MemorySourceOptions = {}): MemorySource {
  const taken = { chunks: 0, bytes: 0, ended: false };
  return {
    size: options.sizeBytes ?? bytes.length,
    label: "model",
    taken,
    read: async (start, end) => bytes.slice(start, end),
    async *stream(start) {
      try {
        for (let at = start; at < bytes.length; ) {
          const end = Math.min(bytes.length, at + (options.chunkBytes?.() ?? bytes.length));
          taken.chunks++;
          taken.bytes += end - at;
          yield bytes.slice(at, end);
          at = end;
        }
      } finally {
        taken.ended = true;
      }
    },
  };
}

/** The same bytes through `read` alone. */
export function withoutStream(source: MemorySource): ByteSource {
  return { size: source.size, label: source.label, read: source.read };
}

/** Reading options that collect diagnostics, or throw them when strict. */
export function readingOptions(
  limits: Partial<Limits> = {},
  strict = false,
): ReadingOptions & { readonly diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  return {
    limits: { ...DEFAULT_LIMITS, ...limits },
    report: makeReporter(diagnostics, strict),
    signal: undefined,
    file: 0,
    diagnostics,
  };
}
