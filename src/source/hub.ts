import { InspectError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import { type EarlyFile, openEarly } from "./early-file.ts";
import { type FirstReads, firstReads } from "./first-read.ts";
import type { HeaderCache } from "./header-cache.ts";
import { openHttp } from "./http.ts";
import { fetchText } from "./http-text.ts";
import { type HubListing, hubTarget, listHubRepo } from "./hub-listing.ts";
import { type HubReference, hubFile, isRevision } from "./hub-reference.ts";
import type { LocalOpener } from "./local-opener.ts";
import { chooseModelFiles, type ModelFiles } from "./model-files.ts";
import { onAbort } from "./on-abort.ts";
import { folderOf } from "./path-parts.ts";
import type { ResolvedSource, SidecarText, WeightFile } from "./resolved.ts";
import { encodePath, requireRelativePath } from "./safe-path.ts";
import type { Session } from "./session.ts";
import type { Release } from "./slots.ts";

/** Finds a repo's weight files: one request for commit and list, then config.json beside the first headers. */
export async function resolveHub(
  session: Session,
  reference: HubReference,
  local: LocalOpener | undefined,
): Promise<ResolvedSource> {
  const revision = chosenRevision(session, reference, "main");
  if (session.options.offline) return resolveOffline(session, { ...reference, revision }, local);
  // What a cache keeps is known by its commit: then the listing comes first.
  const early = session.options.headerCache === undefined ? openEarly(session, reference, revision) : undefined;
  try {
    return await resolveOnline(session, reference, revision, early);
  } catch (error) {
    early?.abandon();
    throw error;
  }
}

async function resolveOnline(
  session: Session,
  reference: HubReference,
  revision: string,
  early: EarlyFile | undefined,
): Promise<ResolvedSource> {
  const listing = await listHubRepo(session, reference, revision);
  const readText = (path: string, limitName: "configBytes" | "indexBytes") =>
    fetchText(session, fileTarget(session, listing, path), limitName, undefined).then(({ text }) => text);
  const chosen = await chooseModelFiles(
    {
      label: listing.id,
      files: listing.files,
      indexIsCheap: false,
      limits: session.options.limits,
      readIndex: (path) => readText(path, "indexBytes"),
    },
    reference,
  );
  const siblings = chosen.siblings?.map(({ first, files }) => ({
    source: hubFile(listing.id, listing.commit, first),
    resolve: async () => resolveFiles(session.fork(), listing, revision, files(), undefined, readText),
  }));
  const resolved = await resolveFiles(session, listing, revision, chosen, early, readText);
  const source = hubFile(listing.id, listing.commit, chosen.paths[0] ?? "");
  return siblings === undefined ? resolved : { ...resolved, source, siblings };
}

/** The files of one model of a repo, config.json among them. */
async function resolveFiles(
  session: Session,
  listing: HubListing,
  revision: string,
  chosen: ModelFiles,
  early: EarlyFile | undefined,
  readText: (path: string, limitName: "configBytes") => Promise<string>,
): Promise<ResolvedSource> {
  for (const path of chosen.paths) requireRelativePath(path, listing.id);
  session.addFiles(chosen.paths.length);
  const reads = firstReads(chosen.format, session.options.limits);
  const files = chosen.paths.map((path, index) => weightFile(session, listing, reads, path, index, early));
  const config =
    chosen.format === "safetensors" ? await readConfig(listing, chosen, files, session, readText) : undefined;
  return {
    kind: "hub",
    id: listing.id,
    revision,
    commit: listing.commit,
    format: chosen.format,
    files,
    ...(config !== undefined && { config }),
    ...(chosen.index !== undefined && { index: chosen.index }),
    ...(chosen.companions !== undefined && {
      companions: chosen.companions.map((companion) => ({
        ...companion,
        source: hubFile(listing.id, listing.commit, companion.path),
      })),
    }),
    traffic: session.traffic,
    serverWarnings: session.serverWarnings,
    diagnostics: chosen.diagnostics,
  };
}

/** The revision in the string or in the options; both may be given when they agree. */
export function chosenRevision(session: Session, reference: HubReference, byDefault: string): string {
  const { revision } = session.options;
  if (revision !== undefined && reference.revision !== undefined && revision !== reference.revision) {
    throw new InspectError(
      "invalid-option",
      `options.revision is ${JSON.stringify(revision)} but the source names ${JSON.stringify(reference.revision)}. Give one of them.`,
      { source: reference.id },
    );
  }
  if (revision !== undefined && !isRevision(revision)) {
    throw new InspectError(
      "invalid-option",
      `options.revision must be a branch, tag or commit, got ${JSON.stringify(revision)}`,
    );
  }
  return reference.revision ?? revision ?? byDefault;
}

async function resolveOffline(
  session: Session,
  reference: HubReference,
  local: LocalOpener | undefined,
): Promise<ResolvedSource> {
  if (local !== undefined) return local.findCached(reference, session);
  throw new InspectError("offline", `${reference.id} cannot be read offline here: a browser has no model cache.`, {
    source: reference.id,
  });
}

function fileTarget(session: Session, { id, commit, claim }: HubListing, path: string) {
  const target = hubTarget(session, `/${id}/resolve/${commit}/${encodePath(path)}`, `${id}/${path}`);
  return { ...target, ...(claim !== undefined && { claim }) };
}

/** A weight file whose opening can be started before it is asked for. */
type StartableFile = WeightFile & { start(): void; abandon(): void };

function weightFile(
  session: Session,
  listing: HubListing,
  reads: FirstReads,
  path: string,
  index: number,
  early: EarlyFile | undefined,
): StartableFile {
  const expectedBytes = listing.files.find((file) => file.path === path)?.bytes;
  const openAtCommit = (signal?: AbortSignal, firstBytes = reads.bytes(index)) =>
    openHttp(
      session,
      fileTarget(session, listing, path),
      {
        firstBytes,
        path,
        commit: listing.commit,
        ...(expectedBytes !== undefined && { expectedBytes }),
      },
      signal,
    );
  let opened = early?.path === path ? early : undefined;
  // Whatever needs no waiting is asked for at once: the first to ask gets the connection that the listing has left.
  const openNow = (signal?: AbortSignal, firstBytes?: number): Promise<ByteSource> => {
    const claiming = opened?.claim(listing.commit, expectedBytes, signal);
    opened = undefined;
    return claiming?.then((claimed) => claimed ?? openAtCommit(signal, firstBytes)) ?? openAtCommit(signal, firstBytes);
  };
  const stop = new AbortController();
  let started: Promise<ByteSource | undefined> | undefined;
  let slot: Release | undefined;
  const { headerCache, endpoint } = session.options;
  const cacheKey = [endpoint, listing.id, listing.commit, path, expectedBytes ?? ""].join("\n");
  const openUnlessKept = async (cache: HeaderCache, signal: AbortSignal) => {
    const kept = await cache.get(cacheKey).catch(() => undefined);
    return kept === undefined ? openNow(signal) : undefined;
  };
  return {
    path,
    cacheKey,
    headerRead: (headerBytes) => reads.learn(index, headerBytes),
    takenSlot() {
      const taken = slot;
      slot = undefined;
      return taken;
    },
    start() {
      const { slots } = session.options;
      slot = slots?.tryTake();
      if (slots !== undefined && slot === undefined) return;
      started = headerCache === undefined ? openNow(stop.signal) : openUnlessKept(headerCache, stop.signal);
      // Whoever opens the file gets the failure; until then it must not count as unhandled.
      started.catch(() => undefined);
    },
    async open(signal, firstBytes) {
      signal?.throwIfAborted();
      if (started === undefined) return openNow(signal, firstBytes);
      const opening = started;
      started = undefined;
      if (signal !== undefined) onAbort(signal, () => stop.abort(signal.reason));
      return (await opening) ?? openNow(signal, firstBytes);
    },
    abandon() {
      slot?.();
      opened?.abandon();
      stop.abort(new InspectError("network", `Reading ${listing.id}/${path} was ended.`, { source: listing.id }));
    },
  };
}

/** Fetches config.json while the first weight files are being opened: the requests do not depend on each other. */
async function readConfig(
  listing: HubListing,
  chosen: ModelFiles,
  files: readonly StartableFile[],
  session: Session,
  readText: (path: string, limitName: "configBytes") => Promise<string>,
): Promise<SidecarText | undefined> {
  const folder = folderOf(chosen.paths[0] ?? "");
  const path = [`${folder}config.json`, "config.json"].find((name) => listing.files.some((file) => file.path === name));
  if (path === undefined) return undefined;
  const early = files.slice(0, Math.max(1, session.options.limits.concurrency - 1));
  for (const file of early) file.start();
  try {
    return { path, text: await readText(path, "configBytes") };
  } catch (error) {
    for (const file of early) file.abandon();
    throw error;
  }
}
