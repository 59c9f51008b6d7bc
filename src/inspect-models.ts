import { type InspectError, isInspectError } from "./errors.ts";
import { inspectResolved, type ModelInput, type Platform } from "./inspection.ts";
import type { Model } from "./model/model.ts";
import { type InspectOptions, resolveOptions } from "./options.ts";
import { mapBounded } from "./source/pool.ts";
import { resolveSource } from "./source/resolve.ts";
import type { Progress, SourceOptions } from "./source/resolved.ts";
import { makeSlots } from "./source/slots.ts";

/**
 * What became of one source of several: its model, or why there is none.
 *
 * @example
 * ```ts
 * import { inspectModels, type InspectOutcome } from "weighin";
 *
 * const outcomes: readonly InspectOutcome[] = await inspectModels(["fixtures/files/demo.gguf", "missing.gguf"]);
 * console.log(outcomes.map(({ model, error }) => model?.format ?? error?.code).join(", ")); // gguf, not-found
 * ```
 */
export type InspectOutcome<Source = ModelInput> =
  | { readonly source: Source; readonly model: Model; readonly error?: undefined }
  | { readonly source: Source; readonly model?: undefined; readonly error: InspectError };

/** Options that all models of one call share: the clock, and the places for files that are read at once. */
export function sharedOptions(options: InspectOptions, platform: Platform): SourceOptions {
  const resolved = resolveOptions(options, platform.redirects);
  return { ...resolved, startedAtMs: performance.now(), slots: makeSlots(resolved.limits.concurrency) };
}

/** Reads several models; a failure is one of its source alone, unless it is the caller's own abort. */
export async function inspectEach(
  sources: readonly ModelInput[],
  options: InspectOptions,
  platform: Platform,
): Promise<readonly InspectOutcome[]> {
  const shared = sharedOptions(options, platform);
  const progress = sumProgress(shared.onProgress);
  return mapBounded(sources, shared.limits.concurrency, shared.signal, (source, _, signal) =>
    outcomeOf(source, shared.signal, async () => {
      const own = { ...shared, signal, onProgress: progress?.() };
      const release = await shared.slots?.take(signal);
      const resolved = await resolveSource(source, own, platform.openLocal).finally(release);
      return (await inspectResolved(resolved, own, { platform, strict: options.strict ?? false })).model;
    }),
  );
}

/** What `read` gives, or its failure as data. Aborts and our own bugs are thrown. */
export async function outcomeOf<Source>(
  source: Source,
  signal: AbortSignal | undefined,
  read: () => Promise<Model>,
): Promise<InspectOutcome<Source>> {
  try {
    return { source, model: await read() };
  } catch (error) {
    signal?.throwIfAborted();
    if (!isInspectError(error)) throw error;
    return { source, error };
  }
}

/** Adds up the progress of several inspections. */
export function sumProgress(tell: SourceOptions["onProgress"]): (() => (progress: Progress) => void) | undefined {
  if (tell === undefined) return undefined;
  const sum = { files: 0, filesRead: 0, bytesRead: 0 };
  return () => {
    let last: Progress = { files: 0, filesRead: 0, bytesRead: 0 };
    return (progress) => {
      sum.files += progress.files - last.files;
      sum.filesRead += progress.filesRead - last.filesRead;
      sum.bytesRead += progress.bytesRead - last.bytesRead;
      last = progress;
      tell({ ...sum });
    };
  };
}
