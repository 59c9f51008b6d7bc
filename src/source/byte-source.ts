/**
 * Where bytes come from: random access, abortable, labelled. The one interface callers implement to weigh a
 * model from anywhere (a bucket, an archive, a browser file).
 *
 * @example
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { type ByteSource, inspectModel } from "weighin";
 *
 * const bytes = await readFile("fixtures/files/demo.gguf");
 * const source: ByteSource = {
 *   size: bytes.length,
 *   label: "demo.gguf in memory",
 *   read: async (start, end) => bytes.subarray(start, end),
 * };
 * console.log((await inspectModel(source)).source.kind); // custom
 * ```
 */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** Text for messages: a path, a URL without its query, a repo id with the file. */
  readonly label: string;
  /** File name inside its set, when the source is one of several (`model-00001-of-00002.safetensors`). */
  readonly path?: string;
  /** Exactly `end - start` bytes of `[start, end)`, or a rejection. */
  read(start: number, end: number, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * Bytes from `start` on, as they arrive, by one request where the source is remote. The reader stops early by
   * ending the iteration; the source then cancels what is under way. Optional: without it, `read` is used.
   */
  stream?(start: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** What identifies this content (etag, commit), when known. */
  version?(): string | undefined;
  close?(): Promise<void>;
}
