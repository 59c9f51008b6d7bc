import { decodeUtf8 } from "../bytes/strict-json.ts";
import { InspectError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { ByteSource } from "./byte-source.ts";
import { chooseModelFiles } from "./model-files.ts";
import type { ResolvedSource } from "./resolved.ts";
import { type Session, throwIfAborted } from "./session.ts";

const LABEL = "the list of sources";
const CONFIG = /(?:^|\/)config\.json$/i;
const TEXT = /(?:^|\/)(?:config|[^/]*\.safetensors\.index)\.json$/i;

/** True when a list holds config.json or an index beside the weights: it then stands for a folder. */
export function isSourceFolder(sources: readonly ByteSource[]): boolean {
  return sources.length > 1 && sources.some((source) => TEXT.test(nameOf(source)));
}

/** The model among sources that stand for the files of a folder, by the same rules as a folder's. */
export async function resolveSourceFolder(
  session: Session,
  sources: readonly ByteSource[],
  kind: "blob" | "custom",
): Promise<ResolvedSource> {
  const { limits } = session.options;
  const byName = new Map(sources.map((source) => [nameOf(source), source]));
  const sourceAt = (path: string): ByteSource => {
    const source = byName.get(path);
    if (source !== undefined) return source;
    throw new InspectError("missing-shard", `${path} is not in ${LABEL}. Give every file of the model.`, {
      source: path,
    });
  };
  const readText = (path: string, limitName: keyof Limits) => readSmall(session, sourceAt(path), limitName);
  const chosen = await chooseModelFiles(
    {
      label: LABEL,
      files: [...byName].map(([path, { size }]) => ({ path, bytes: size })),
      indexIsCheap: true,
      limits,
      readIndex: (path) => readText(path, "indexBytes"),
    },
    {},
  );
  const configPath = chosen.format === "safetensors" ? [...byName.keys()].find((path) => CONFIG.test(path)) : undefined;
  session.addFiles(chosen.paths.length);
  return {
    kind,
    id: chosen.paths[0] ?? LABEL,
    format: chosen.format,
    files: chosen.paths.map((path) => ({
      path,
      async open(signal) {
        throwIfAborted(session, signal);
        return sourceAt(path);
      },
    })),
    ...(configPath !== undefined && { config: { path: configPath, text: await readText(configPath, "configBytes") } }),
    ...(chosen.index !== undefined && { index: chosen.index }),
    ...(chosen.companions !== undefined && {
      companions: chosen.companions.map((companion) => ({ ...companion, source: companion.path })),
    }),
    traffic: session.traffic,
    diagnostics: chosen.diagnostics,
  };
}

function nameOf(source: ByteSource): string {
  return source.path ?? source.label;
}

async function readSmall(session: Session, source: ByteSource, limitName: keyof Limits): Promise<string> {
  const limitBytes = session.options.limits[limitName];
  if (source.size > limitBytes) {
    throw new InspectError(
      "limit-exceeded",
      `${source.label} has ${source.size} bytes, more than ${limitBytes} (limits.${limitName}). Raise the limit if the file is right.`,
      { source: source.label },
    );
  }
  return decodeUtf8(await source.read(0, source.size, session.options.signal), source.label);
}
