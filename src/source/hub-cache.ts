import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { InspectError, isInspectError } from "../errors.ts";
import { byName } from "./by-name.ts";
import { type ModelFolder, resolveFolder } from "./directory.ts";
import type { HubReference } from "./hub-reference.ts";
import type { ResolvedSource } from "./resolved.ts";
import { requireSafePath } from "./safe-path.ts";
import type { Session } from "./session.ts";

// Layout: huggingface_hub, guides/manage-cache.md: models--org--name/{refs/<revision>, snapshots/<commit>, blobs}.
const REPO_PREFIX = "models--";
const COMMIT = /^[0-9a-f]{40}$/;
/** Repos nest their files two or three folders deep at most. */
const SNAPSHOT_DEPTH = 4;

/** The folder to read for a directory the caller named: a cache repo stands for the snapshot of its `main`. */
export async function modelFolder(
  path: string,
): Promise<{ readonly folder: ModelFolder; readonly commit?: string; readonly revision?: string }> {
  // A link to a snapshot is a snapshot: its files are links to the cache's blobs.
  const full = await realpath(path).catch(() => resolve(path));
  if (basename(full).startsWith(REPO_PREFIX) && (await isDirectory(join(full, "snapshots")))) {
    const { revision, commit } = await findCommit(full, undefined);
    return { folder: snapshotFolder(full, commit), commit, revision };
  }
  const repo = cacheRepoOf(full);
  if (repo === undefined) return { folder: { path, depth: 0 } };
  return { folder: { path, depth: SNAPSHOT_DEPTH, linkTarget: join(repo, "blobs") } };
}

/** The cache repo a path lies in the snapshot of, or undefined. */
function cacheRepoOf(full: string): string | undefined {
  for (let at = full; dirname(at) !== at; at = dirname(at)) {
    const parent = dirname(at);
    if (basename(parent) === "snapshots" && basename(dirname(parent)).startsWith(REPO_PREFIX)) return dirname(parent);
  }
  return undefined;
}

function snapshotFolder(repo: string, commit: string): ModelFolder {
  return { path: join(repo, "snapshots", commit), depth: SNAPSHOT_DEPTH, linkTarget: join(repo, "blobs") };
}

/** A repo as the cache has it, without a request. */
export async function resolveCached(session: Session, reference: HubReference): Promise<ResolvedSource> {
  const { cacheDir } = session.options;
  if (cacheDir === undefined) throw offline(reference, "no cache directory is set", "Set options.cacheDir");
  const repo = join(cacheDir, `${REPO_PREFIX}${reference.id.replaceAll("/", "--")}`);
  if (!(await isDirectory(repo))) throw offline(reference, `${repo} does not exist`, "Download the model first");
  const { revision, commit } = await findCommit(repo, reference);
  await requireNotKnownAbsent(repo, reference, commit);
  try {
    return await resolveFolder(session, snapshotFolder(repo, commit), reference, {
      kind: "hub",
      id: reference.id,
      revision,
      commit,
    });
  } catch (error) {
    const lacking = (["missing-shard", "no-model", "entry-not-found", "not-found"] as const).some((code) =>
      isInspectError(error, code),
    );
    if (!lacking || !(error instanceof InspectError)) throw error;
    throw offline(
      reference,
      `the cached snapshot ${commit} is not complete: ${error.message}`,
      "Download the rest",
      error,
    );
  }
}

/** `.no_exist/<commit>/<path>`: the hub has said that there is no such file, so going online would not help. */
async function requireNotKnownAbsent(repo: string, { id, path }: HubReference, commit: string): Promise<void> {
  if (path === undefined || !(await isFile(join(repo, ".no_exist", commit, ...path.split("/"))))) return;
  throw new InspectError(
    "entry-not-found",
    `${id} has no file ${JSON.stringify(path)} at ${commit}, as the hub said when the cache asked for it. Check the path.`,
    { source: id },
  );
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

function offline(reference: HubReference, what: string, advice: string, cause?: unknown): InspectError {
  return new InspectError(
    "offline",
    `${reference.id} cannot be read offline: ${what}. ${advice}, or leave the offline option out.`,
    { source: reference.id },
    { cause },
  );
}

/** A commit as given, else what `refs/<revision>` says; without `main` the first ref there is, as llama.cpp does. */
async function findCommit(
  repo: string,
  reference: HubReference | undefined,
): Promise<{ readonly revision: string; readonly commit: string }> {
  const asked = reference?.revision ?? "main";
  if (COMMIT.test(asked)) return { revision: asked, commit: asked };
  requireSafePath(asked, basename(repo));
  const refs = join(repo, "refs");
  const found = await readCommit(join(refs, ...asked.split("/")));
  if (found !== undefined) return { revision: asked, commit: found };
  if (asked === "main") {
    for (const revision of (await readdir(refs).catch(() => [])).sort(byName)) {
      const commit = await readCommit(join(refs, revision));
      if (commit !== undefined) return { revision, commit };
    }
  }
  const file = ["refs", ...asked.split("/")].join(sep);
  if (reference !== undefined) throw offline(reference, `the cache has no ${file} of it`, "Download that revision");
  throw new InspectError("no-model", `${repo} is a cache folder without ${file}. Name a folder below its snapshots.`, {
    source: repo,
  });
}

async function readCommit(path: string): Promise<string | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true || stats.size > 100) return undefined;
  const text = (await readFile(path, "utf8")).trim();
  return COMMIT.test(text) ? text : undefined;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
