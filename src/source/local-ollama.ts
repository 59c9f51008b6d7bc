import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { InspectError } from "../errors.ts";
import { byName } from "./by-name.ts";
import { openWeightFile } from "./file.ts";
import { readTextFile } from "./file-text.ts";
import { someOf } from "./model-files.ts";
import { type OllamaBlob, type OllamaFiles, readOllamaManifest } from "./ollama-manifest.ts";
import { type OllamaName, ollamaText } from "./ollama-name.ts";
import type { ResolvedSource } from "./resolved.ts";
import type { Session } from "./session.ts";

// ollama/ollama manifest/paths.go: manifests/<host>/<namespace>/<model>/<tag>, blobs/sha256-<digest>.
const MANIFESTS = "manifests";
const BLOBS = "blobs";

/** The model of that name in `options.ollamaDir`; undefined when the store does not have it and may be gone past. */
export async function findOllama(name: OllamaName, session: Session): Promise<ResolvedSource | undefined> {
  const { ollamaDir, offline } = session.options;
  if (ollamaDir === undefined) return undefined;
  const manifest = join(ollamaDir, MANIFESTS, name.host, name.namespace, name.model, name.tag);
  const stats = await stat(manifest).catch(() => undefined);
  if (stats?.isFile() === true) return resolveManifest(session, ollamaDir, manifest, ollamaText(name));
  if (!offline) return undefined;
  const id = ollamaText(name);
  const stored = await storedNames(ollamaDir);
  const holds = stored.length === 0 ? "which holds no model" : `which holds ${someOf(stored)}`;
  throw new InspectError(
    "offline",
    `${id} cannot be read offline: it is not in ${ollamaDir}, ${holds}. Pull it first, or leave the offline option out.`,
    { source: id },
  );
}

/** The names of all models of a store. */
async function storedNames(store: string): Promise<readonly string[]> {
  const paths = await readdir(join(store, MANIFESTS), { recursive: true }).catch(() => []);
  const names = paths.map((path) => path.split(sep)).filter((parts) => parts.length === 4);
  return names
    .map(([host = "", namespace = "", model = "", tag = ""]) => ollamaText({ host, namespace, model, tag }))
    .sort(byName);
}

/** The model whose manifest a path leads to; undefined when it is none of a store. */
export async function resolveOllamaPath(session: Session, path: string): Promise<ResolvedSource | undefined> {
  const full = resolve(path);
  const folder = [1, 2, 3, 4].reduce(dirname, full);
  if (basename(folder) !== MANIFESTS) return undefined;
  const store = dirname(folder);
  const blobs = await stat(join(store, BLOBS)).catch(() => undefined);
  return blobs?.isDirectory() === true ? resolveManifest(session, store, full, path) : undefined;
}

async function resolveManifest(session: Session, store: string, manifest: string, id: string): Promise<ResolvedSource> {
  const found = await readOllamaManifest(await readTextFile(session, manifest, "configBytes"), {
    label: id,
    maxDepth: session.options.limits.jsonDepth,
    readBlob: async (sha256) => readTextFile(session, await blobPath(store, sha256, id), "configBytes"),
  });
  const path = await blobPath(store, found.model.sha256, id);
  await requireWhole(path, found.model, id);
  session.addFiles(1);
  const name = basename(path);
  return {
    kind: "ollama",
    id,
    format: "gguf",
    files: [{ path: name, open: (signal) => openWeightFile(session, path, name, signal) }],
    ...(await companionsOf(store, found, id)),
    traffic: session.traffic,
    diagnostics: found.diagnostics,
  };
}

async function companionsOf(store: string, { projector }: OllamaFiles, id: string) {
  if (projector === undefined) return {};
  const source = await blobPath(store, projector.sha256, id).catch(() => undefined);
  if (source === undefined) return {};
  return { companions: [{ role: "projector", path: basename(source), source } as const] };
}

/** The real place of a blob, which must be inside the store: nobody named it. */
async function blobPath(store: string, sha256: string, id: string): Promise<string> {
  const path = join(store, BLOBS, `sha256-${sha256}`);
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) {
    throw new InspectError("missing-shard", `${id} is not complete: ${path} is missing. Pull it again.`, {
      source: path,
    });
  }
  const root = await realpath(store);
  if (real.startsWith(`${root}${sep}`)) return path;
  throw new InspectError(
    "unsafe-path",
    `${path} is a link that leads out of Ollama's store, to ${real}. If that is meant, name the file it leads to.`,
    { source: path },
  );
}

async function requireWhole(path: string, { bytes }: OllamaBlob, id: string): Promise<void> {
  const { size } = await stat(path);
  if (size === bytes) return;
  throw new InspectError(
    "truncated",
    `${path} has ${size} bytes where the manifest of ${id} says ${bytes}. Pull it again.`,
    { source: path },
  );
}
