/**
 * Keeps the headers of files that cannot change, so that a second look needs no request for them. The command line keeps
 * them on disk; a program may keep them where it likes. What it gives back must be what was put in, whole: `get` returns
 * undefined for anything else. Its failures are never those of an inspection.
 *
 * @example
 * ```ts
 * import { type HeaderCache, inspectModel } from "weighin";
 *
 * const kept = new Map<string, Uint8Array>();
 * const headerCache: HeaderCache = {
 *   get: async (key) => kept.get(key),
 *   set: async (key, bytes) => void kept.set(key, bytes),
 * };
 * const model = await inspectModel("fixtures/files/demo.gguf", { headerCache });
 * ```
 */
export interface HeaderCache {
  /** What was kept under `key`; undefined where there is nothing, or it is damaged. */
  get(key: string): Promise<Uint8Array | undefined>;
  set(key: string, bytes: Uint8Array): Promise<void>;
}
