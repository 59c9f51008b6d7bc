import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { InspectError } from "../errors.ts";
import type { CompanionFile } from "./companion-files.ts";
import { openWeightFile } from "./file.ts";
import { fileError } from "./file-error.ts";
import { readTextFile } from "./file-text.ts";
import { hubFile } from "./hub-reference.ts";
import { chooseModelFiles, formatByName, type ListedFile, type ModelFiles, type Wanted } from "./model-files.ts";
import { folderOf } from "./path-parts.ts";
import type { ResolvedCompanion, ResolvedSource, SidecarText } from "./resolved.ts";
import type { Session } from "./session.ts";

/** A folder that holds a model's files, and what may be read through its links. */
export type ModelFolder = {
  readonly path: string;
  /** Folders below the first are listed too: a snapshot keeps the layout of its repo. */
  readonly depth: number;
  /** A folder its links may lead to besides itself: the cache's `blobs`. */
  readonly linkTarget?: string;
};

/** How the result is to be called. */
export type FolderIdentity = Pick<ResolvedSource, "kind" | "id" | "revision" | "commit">;

/** The model in a folder, or the one a file of it belongs to. */
export async function resolveFolder(
  session: Session,
  folder: ModelFolder,
  wanted: Wanted,
  identity: FolderIdentity,
): Promise<ResolvedSource> {
  const { limits } = session.options;
  const files = await listFolder(folder, "", folder.depth);
  const contained = (path: string) => (path === wanted.path ? join(folder.path, path) : containedPath(folder, path));
  const chosen = await chooseModelFiles(
    {
      label: identity.id,
      files,
      indexIsCheap: true,
      limits,
      readIndex: async (path) => readTextFile(session, await contained(path), "indexBytes"),
    },
    wanted,
  );
  const siblings = chosen.siblings?.map((sibling) => ({
    source: kindPath(folder, identity, sibling.first),
    resolve: async () => resolveFiles(session.fork(), folder, identity, sibling.files(), files, contained),
  }));
  const resolved = await resolveFiles(session, folder, identity, chosen, files, contained);
  const source = kindPath(folder, identity, chosen.paths[0] ?? "");
  return siblings === undefined ? resolved : { ...resolved, source, siblings };
}

/** What names a file of a folder: its path, or the file of the repo that the folder caches. */
function kindPath(folder: ModelFolder, { kind, id, commit }: FolderIdentity, path: string): string {
  return kind === "hub" ? hubFile(id, commit, path) : join(folder.path, path);
}

/** The files of one model of a folder, config.json among them. */
async function resolveFiles(
  session: Session,
  folder: ModelFolder,
  identity: FolderIdentity,
  chosen: ModelFiles,
  files: readonly ListedFile[],
  contained: (path: string) => string | Promise<string>,
): Promise<ResolvedSource> {
  const paths = await Promise.all(chosen.paths.map(async (path) => ({ path, full: await contained(path) })));
  const config =
    chosen.format === "safetensors" ? await readConfig(session, files, chosen.paths[0] ?? "", contained) : undefined;
  session.addFiles(paths.length);
  return {
    ...identity,
    format: chosen.format,
    files: paths.map(({ path, full }) => ({ path, open: (signal) => openWeightFile(session, full, path, signal) })),
    ...(config !== undefined && { config }),
    ...(chosen.index !== undefined && { index: chosen.index }),
    ...(chosen.companions !== undefined && { companions: await companionsOf(folder, chosen.companions, identity) }),
    traffic: session.traffic,
    diagnostics: chosen.diagnostics,
  };
}

/** Companions inside the folder, as they are to be named: by path, or as a file of the repo that the folder caches. */
async function companionsOf(
  folder: ModelFolder,
  companions: readonly CompanionFile[],
  identity: FolderIdentity,
): Promise<readonly ResolvedCompanion[]> {
  const named = companions.map(async (companion) => {
    const real = await containedPath(folder, companion.path).catch(() => undefined);
    return real === undefined ? [] : [{ ...companion, source: kindPath(folder, identity, companion.path) }];
  });
  return (await Promise.all(named)).flat();
}

/** Files by relative path with forward slashes. `._name` is macOS's shadow of a file, not a model's. */
async function listFolder(folder: ModelFolder, below: string, depth: number): Promise<ListedFile[]> {
  const full = join(folder.path, below);
  const entries = await readdir(full, { withFileTypes: true }).catch((cause: unknown) => {
    throw fileError(full, cause);
  });
  const nested = await Promise.all(
    entries
      .filter((entry) => !entry.name.startsWith("._"))
      .map((entry) => listEntry(folder, `${below}${entry.name}`, entry, depth)),
  );
  return nested.flat();
}

async function listEntry(folder: ModelFolder, path: string, entry: Dirent, depth: number): Promise<ListedFile[]> {
  if (entry.isDirectory()) return depth > 0 ? listFolder(folder, `${path}/`, depth - 1) : [];
  if (entry.isFile() && formatByName(path) === undefined) return [{ path }];
  if (!entry.isFile() && !entry.isSymbolicLink()) return [];
  // A link that leads nowhere is an unfinished download: not there.
  const stats = await stat(join(folder.path, path)).catch(() => undefined);
  return stats?.isFile() === true ? [{ path, bytes: stats.size }] : [];
}

/**
 * The real place of a file nobody named, which must be inside the folder (or the cache's `blobs`): an unpacked
 * archive may hold links to anywhere.
 */
async function containedPath(folder: ModelFolder, path: string): Promise<string> {
  const full = join(folder.path, path);
  const roots = [folder.path, ...(folder.linkTarget === undefined ? [] : [folder.linkTarget])];
  const real = await realpath(full).catch((cause: unknown) => {
    throw fileError(full, cause);
  });
  for (const root of roots) {
    const realRoot = await realpath(root).catch(() => resolve(root));
    if (real.startsWith(realRoot.endsWith(sep) ? realRoot : `${realRoot}${sep}`)) return real;
  }
  throw new InspectError(
    "unsafe-path",
    `${full} is a link that leads out of its folder, to ${real}. If that is meant, name the file it leads to.`,
    { source: full },
  );
}

async function readConfig(
  session: Session,
  files: readonly ListedFile[],
  weightPath: string,
  contained: (path: string) => string | Promise<string>,
): Promise<SidecarText | undefined> {
  const folder = folderOf(weightPath);
  const path = [`${folder}config.json`, "config.json"].find((name) => files.some((file) => file.path === name));
  if (path === undefined) return undefined;
  return { path, text: await readTextFile(session, await contained(path), "configBytes") };
}
