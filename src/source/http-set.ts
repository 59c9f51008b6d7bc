import type { Diagnostic } from "../diagnostics.ts";
import { InspectError, isInspectError } from "../errors.ts";
import type { ByteSource } from "./byte-source.ts";
import { type FirstReads, firstReads } from "./first-read.ts";
import { openHttp } from "./http.ts";
import type { HttpTarget } from "./http-request.ts";
import { fetchText } from "./http-text.ts";
import { formatByName, isPickle, pickleError } from "./model-files.ts";
import type { ResolvedSource, SidecarText, WeightFile } from "./resolved.ts";
import { encodePath } from "./safe-path.ts";
import type { Session } from "./session.ts";
import { parseShardName, requireFewShards, shardSet } from "./shard-name.ts";
import { sniffFormat } from "./sniff-format.ts";
import { indexedFiles, parseWeightMap, type WeightMap } from "./weight-map.ts";

/** The model at a plain http(s) address: one file, the set a shard belongs to, or what an index names. */
export async function resolveHttp(session: Session, url: URL): Promise<ResolvedSource> {
  const label = labelOf(url);
  if (session.options.offline) {
    throw new InspectError("offline", `${label} cannot be read with the offline option. Name a local file instead.`, {
      source: label,
    });
  }
  const name = fileName(url);
  if (isPickle(name)) throw pickleError(name, url.host);
  if (/\.index\.json$/i.test(name)) return resolveIndex(session, url);
  const format = formatByName(name);
  return format === undefined ? resolveUnknown(session, url) : resolveNamed(session, url, name, format);
}

/** Address without query, fragment and credentials: those may be secrets. */
function labelOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function fileName(url: URL): string {
  const last = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function targetOf(session: Session, url: URL): HttpTarget {
  return { url, label: labelOf(url), budget: { left: session.options.limits.requestsPerFile } };
}

/** The address of a file in the same folder; the query is kept, for servers that take a key there. */
function beside(url: URL, path: string): URL {
  const folder = url.pathname.slice(0, url.pathname.lastIndexOf("/") + 1);
  return new URL(`${url.origin}${folder}${encodePath(path)}${url.search}`);
}

async function resolveNamed(
  session: Session,
  url: URL,
  name: string,
  format: "gguf" | "safetensors",
): Promise<ResolvedSource> {
  const shard = parseShardName(name);
  if (shard !== undefined) requireFewShards(shard.total, labelOf(url), session.options.limits.shards);
  const names = shard === undefined ? [name] : shardSet(shard, shard.index === 0);
  const reads = firstReads(format, session.options.limits);
  const files = names.map((path, index) => weightFile(session, url, path, reads, index, names.length));
  // Without a listing, only the absence of the last part tells numbering from 0; GGUF has none (llama_split_path).
  if (shard !== undefined && format === "safetensors" && shard.index > 0 && shard.index < shard.total) {
    const zeroth = weightFile(session, url, shard.sibling(0), reads, 0, names.length);
    files.push(...files.splice(-1).map((last) => eitherFile(last, zeroth)));
  }
  return resolved(session, url, format, files, {});
}

async function resolveIndex(session: Session, url: URL): Promise<ResolvedSource> {
  const { text } = await fetchText(session, targetOf(session, url), "indexBytes", undefined);
  const index = parseWeightMap(text, session.options.limits, labelOf(url));
  const names = indexedFiles(index, labelOf(url));
  const reads = firstReads("safetensors", session.options.limits);
  const files = names.map((path, place) => weightFile(session, url, path, reads, place, names.length));
  return resolved(session, url, "safetensors", files, { index });
}

function weightFile(
  session: Session,
  url: URL,
  path: string,
  reads: FirstReads,
  index: number,
  total: number,
): WeightFile {
  const target = targetOf(session, path === fileName(url) ? url : beside(url, path));
  return {
    path,
    headerRead: (headerBytes) => reads.learn(index, headerBytes),
    async open(signal) {
      try {
        return await openHttp(session, target, { firstBytes: reads.bytes(index), path }, signal);
      } catch (error) {
        if (total === 1 || !isInspectError(error, "not-found")) throw error;
        throw new InspectError(
          "missing-shard",
          `File ${index + 1} of ${total} of the set is missing: there is nothing at ${target.label}. A model cannot be weighed in part.`,
          { ...error.where },
          { cause: error },
        );
      }
    },
  };
}

/** `last`, or where it is not there `zeroth`; when neither is, what is missing is said of `last`. */
function eitherFile(last: WeightFile, zeroth: WeightFile): WeightFile {
  return {
    path: last.path,
    async open(signal) {
      try {
        return await last.open(signal);
      } catch (error) {
        if (!isInspectError(error, "missing-shard")) throw error;
        return zeroth.open(signal).catch((other: unknown) => {
          throw isInspectError(other, "missing-shard") ? error : other;
        });
      }
    },
  };
}

/** An address whose name tells nothing is opened, and its first bytes decide. The open answer is handed on. */
async function resolveUnknown(session: Session, url: URL): Promise<ResolvedSource> {
  const path = fileName(url);
  const firstBytes = session.options.limits.ggufHeaderBytes;
  const open = (signal?: AbortSignal) => openHttp(session, targetOf(session, url), { firstBytes, path }, signal);
  const source = await open();
  const format = await sniffFormat(source).catch(async (error: unknown) => {
    await source.close?.();
    throw error;
  });
  let opened: ByteSource | undefined = source;
  const file: WeightFile = {
    path,
    async open(signal) {
      const first = opened ?? (await open(signal));
      opened = undefined;
      return first;
    },
  };
  return resolved(session, url, format, [file], {});
}

async function resolved(
  session: Session,
  url: URL,
  format: "gguf" | "safetensors",
  files: readonly WeightFile[],
  found: { readonly index?: WeightMap },
): Promise<ResolvedSource> {
  session.addFiles(files.length);
  const diagnostics: Diagnostic[] = [];
  const config = format === "safetensors" ? await readConfig(session, url, diagnostics) : undefined;
  return {
    kind: "http",
    id: labelOf(url),
    format,
    files,
    ...(config !== undefined && { config }),
    ...found,
    traffic: session.traffic,
    diagnostics,
  };
}

/** config.json in the same folder. Absence is normal, and some servers answer 403 or a page for what is absent. */
async function readConfig(session: Session, url: URL, diagnostics: Diagnostic[]): Promise<SidecarText | undefined> {
  const target = targetOf(session, beside(url, "config.json"));
  try {
    const { text } = await fetchText(session, target, "configBytes", undefined);
    if (text.trimStart().startsWith("{")) return { path: "config.json", text };
    diagnostics.push({
      code: "invalid-json",
      message: `What the server sends as config.json is not a JSON object; it was left aside.`,
      where: target.label,
    });
    return undefined;
  } catch (error) {
    if (isInspectError(error, "not-found") || isInspectError(error, "forbidden")) return undefined;
    throw error;
  }
}
