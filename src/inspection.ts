import { type Diagnostic, makeReporter, type Reporter } from "./diagnostics.ts";
import { type KnownLayout, layoutOf } from "./formats/gguf/known-layout.ts";
import { mergeGgufSplits } from "./formats/gguf/merge-splits.ts";
import { mergeSafetensorsShards } from "./formats/safetensors/merge-shards.ts";
import type { BuildModel } from "./model/build.ts";
import { parseConfig } from "./model/config.ts";
import { deepFreeze } from "./model/freeze.ts";
import type { Model, ModelFile } from "./model/model.ts";
import { type InspectOptions, resolveOptions } from "./options.ts";
import { type FileHeader, readGgufHeaders, readSafetensorsHeaders } from "./read-headers.ts";
import { loadComputeGraphs } from "./runtimes/llama-cpp/compute-graph.ts";
import type { ByteSource } from "./source/byte-source.ts";
import type { LocalOpener } from "./source/local-opener.ts";
import { resolveSource } from "./source/resolve.ts";
import type { ResolvedSource, SourceOptions } from "./source/resolved.ts";

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
  /** What derives the model: at hand, or loaded while its headers are being read. */
  readonly loadBuilder: () => Promise<BuildModel>;
};

/** How a model whose files have been found is to be read. */
export type Inspecting = {
  readonly platform: Platform;
  readonly strict: boolean;
  /** The layout of another quantization of it. */
  readonly known?: KnownLayout | undefined;
};

type Shape = ReturnType<BuildModel>;
type Reading = {
  readonly shape: Shape;
  readonly files: readonly ModelFile[];
  /** Where the long arrays of a GGUF header lie. */
  readonly layout?: KnownLayout | undefined;
};

/** A model, and what helps to read its siblings. */
export type Inspection = { readonly model: Model; readonly layout?: KnownLayout | undefined };

/** One road: what the source means, the bytes of its headers, the facts in them, the shape they describe. */
export async function inspect(input: ModelInput, options: InspectOptions, platform: Platform): Promise<Model> {
  const sourceOptions = resolveOptions(options, platform.redirects);
  const resolved = await resolveSource(input, sourceOptions, platform.openLocal);
  return (await inspectResolved(resolved, sourceOptions, { platform, strict: options.strict ?? false })).model;
}

/** Reads and derives a model whose files have been found. */
export async function inspectResolved(
  resolved: ResolvedSource,
  options: SourceOptions,
  { platform, strict, known }: Inspecting,
): Promise<Inspection> {
  const builder = platform.loadBuilder();
  // Estimates are made without waiting: what draws the model's graph is at hand by then.
  const graphs = resolved.format === "gguf" ? loadComputeGraphs() : undefined;
  // Headers that cannot be read are told first.
  builder.catch(() => undefined);
  graphs?.catch(() => undefined);
  const diagnostics: Diagnostic[] = [];
  const report = makeReporter(diagnostics, strict);
  for (const { code, message, where } of resolved.diagnostics) report(code, message, where);
  const { shape, files, layout } =
    resolved.format === "gguf"
      ? await readGgufModel(resolved, options, report, builder, known)
      : await readSafetensorsModel(resolved, options, report, builder);
  for (const { code, message, where } of resolved.serverWarnings?.values() ?? []) report(code, message, where);
  await graphs;
  const { kind, id, revision, commit, companions, traffic } = resolved;
  const model = deepFreeze({
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
  return { model, layout };
}

async function readGgufModel(
  resolved: ResolvedSource,
  options: SourceOptions,
  report: Reporter,
  builder: Promise<BuildModel>,
  known: KnownLayout | undefined,
): Promise<Reading> {
  const headers = await readGgufHeaders(resolved, options, report, known);
  // A caller's own sources come in any order: where their names do not say it, their keys do.
  if (resolved.kind === "custom") headers.sort((a, b) => (a.header.split?.index ?? 0) - (b.header.split?.index ?? 0));
  const { metadata, tensors } = mergeGgufSplits(headers.map(({ path, header }) => ({ name: path, gguf: header })));
  const [first] = headers;
  const buildModel = await builder;
  return {
    shape: buildModel({ format: "gguf", metadata, tensors, limits: options.limits, report }),
    files: filesOf(headers),
    layout: first && layoutOf(first.header),
  };
}

async function readSafetensorsModel(
  resolved: ResolvedSource,
  options: SourceOptions,
  report: Reporter,
  builder: Promise<BuildModel>,
): Promise<Reading> {
  const { limits } = options;
  const headers = await readSafetensorsHeaders(resolved, options, report);
  const { metadata, tensors } = mergeSafetensorsShards(
    headers.map(({ path, header }) => ({ name: path, safetensors: header })),
    resolved.index,
    report,
  );
  const buildModel = await builder;
  const config = resolved.config && parseConfig(resolved.config.text, limits, resolved.config.path);
  return {
    shape: buildModel({ format: "safetensors", config, metadata, tensors, limits, report }),
    files: filesOf(headers),
  };
}

function filesOf(headers: readonly FileHeader<{ readonly headerBytes: number }>[]): ModelFile[] {
  return headers.map(({ path, bytes, header }) => ({ path, bytes, headerBytes: header.headerBytes }));
}
