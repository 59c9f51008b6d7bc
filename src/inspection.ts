import { type Diagnostic, makeReporter, type Reporter } from "./diagnostics.ts";
import { isInspectError } from "./errors.ts";
import { mergeGgufSplits } from "./formats/gguf/merge-splits.ts";
import { readGguf } from "./formats/gguf/read.ts";
import type { ReadingOptions } from "./formats/reading.ts";
import { mergeSafetensorsShards } from "./formats/safetensors/merge-shards.ts";
import { readSafetensors } from "./formats/safetensors/read.ts";
import { buildModel } from "./model/build.ts";
import { parseConfig } from "./model/config.ts";
import { deepFreeze } from "./model/freeze.ts";
import type { Model, ModelFile } from "./model/model.ts";
import { type InspectOptions, resolveOptions } from "./options.ts";
import type { ByteSource } from "./source/byte-source.ts";
import type { LocalOpener } from "./source/local-opener.ts";
import { mapBounded } from "./source/pool.ts";
import { resolveSource } from "./source/resolve.ts";
import type { ResolvedSource, SourceOptions, WeightFile } from "./source/resolved.ts";

/**
 * What can be weighed. Several Blobs or ByteSources are the files of one model; with `config.json` or an index among
 * them they stand for its folder, as a browser's file input gives it.
 *
 * @example
 * ```ts
 * import { inspectModel, type ModelInput } from "weighin";
 *
 * const inputs: readonly ModelInput[] = ["fixtures/files/demo.gguf", new URL("https://example.com/model.gguf")];
 * ```
 */
export type ModelInput = string | URL | Blob | ByteSource | readonly (Blob | ByteSource)[];

/** What differs between Node and a browser. */
export type Platform = {
  readonly openLocal: LocalOpener | undefined;
  readonly redirects: SourceOptions["redirects"];
};

type Shape = ReturnType<typeof buildModel>;
type Reading = { readonly shape: Shape; readonly files: readonly ModelFile[] };

/** One road: what the source means, the bytes of its headers, the facts in them, the shape they describe. */
export async function inspect(input: ModelInput, options: InspectOptions, platform: Platform): Promise<Model> {
  const sourceOptions = resolveOptions(options, platform.redirects);
  const diagnostics: Diagnostic[] = [];
  const report = makeReporter(diagnostics, options.strict ?? false);
  const resolved = await resolveSource(input, sourceOptions, platform.openLocal);
  for (const { code, message, where } of resolved.diagnostics) report(code, message, where);
  const { shape, files } =
    resolved.format === "gguf"
      ? await readGgufModel(resolved, sourceOptions, report)
      : await readSafetensorsModel(resolved, sourceOptions, report);
  const { kind, id, revision, commit, companions, traffic } = resolved;
  return deepFreeze({
    ...shape,
    source: {
      kind,
      id,
      ...(revision === undefined ? {} : { revision }),
      ...(commit === undefined ? {} : { commit }),
      files,
      ...(companions === undefined || companions.length === 0 ? {} : { companions }),
      requests: traffic.requests,
      bytesRead: traffic.bytesRead,
    },
    diagnostics,
  });
}

async function readGgufModel(resolved: ResolvedSource, options: SourceOptions, report: Reporter): Promise<Reading> {
  const headers = await readHeaders(resolved, options, report, readGguf);
  // A caller's own sources come in any order: where their names do not say it, their keys do.
  if (resolved.kind === "custom") headers.sort((a, b) => (a.header.split?.index ?? 0) - (b.header.split?.index ?? 0));
  const { metadata, tensors } = mergeGgufSplits(headers.map(({ path, header }) => ({ name: path, gguf: header })));
  return {
    shape: buildModel({ format: "gguf", metadata, tensors, limits: options.limits, report }),
    files: filesOf(headers),
  };
}

async function readSafetensorsModel(
  resolved: ResolvedSource,
  options: SourceOptions,
  report: Reporter,
): Promise<Reading> {
  const { limits } = options;
  const headers = await readHeaders(resolved, options, report, readSafetensors);
  const { metadata, tensors } = mergeSafetensorsShards(
    headers.map(({ path, header }) => ({ name: path, safetensors: header })),
    resolved.index,
    report,
  );
  const config = resolved.config && parseConfig(resolved.config.text, limits, resolved.config.path);
  return {
    shape: buildModel({ format: "safetensors", config, metadata, tensors, limits, report }),
    files: filesOf(headers),
  };
}

type ReadHeader<Header> = { readonly path: string; readonly bytes: number; readonly header: Header };

/** Reads the header of every file of the set, several at once; the first failure stops the others. */
function readHeaders<Header extends { readonly headerBytes: number }>(
  resolved: ResolvedSource,
  { limits, signal }: SourceOptions,
  report: Reporter,
  read: (source: ByteSource, options: ReadingOptions) => Promise<Header>,
): Promise<ReadHeader<Header>[]> {
  const isRemote = resolved.kind === "http" || resolved.kind === "hub";

  async function readOne(file: WeightFile, index: number, stop: AbortSignal): Promise<ReadHeader<Header>> {
    const found: Parameters<Reporter>[] = [];
    const source = await file.open(stop);
    try {
      const collect: Reporter = (...diagnostic) => void found.push(diagnostic);
      const header = await read(source, { limits, report: collect, signal: stop, file: index });
      file.headerRead?.(header.headerBytes);
      for (const diagnostic of found) report(...diagnostic);
      return { path: source.path ?? file.path, bytes: source.size, header };
    } finally {
      await source.close?.();
    }
  }

  return mapBounded(resolved.files, limits.concurrency, signal, (file, index, stop) =>
    readOne(file, index, stop).catch((error: unknown) => {
      // Replaced on its server between two answers: once is an upload, twice is not worth a third try.
      if (!isRemote || !isInspectError(error, "source-changed")) throw error;
      return readOne(file, index, stop);
    }),
  );
}

function filesOf(headers: readonly ReadHeader<{ readonly headerBytes: number }>[]): ModelFile[] {
  return headers.map(({ path, bytes, header }) => ({ path, bytes, headerBytes: header.headerBytes }));
}
