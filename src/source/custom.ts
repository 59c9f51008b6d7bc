import { InspectError } from "../errors.ts";
import { byName } from "./by-name.ts";
import type { ByteSource } from "./byte-source.ts";
import { missingShards } from "./missing-shards.ts";
import type { ResolvedSource } from "./resolved.ts";
import { type Session, throwIfAborted } from "./session.ts";
import { parseShardName, requireFewShards, shardSet } from "./shard-name.ts";
import { sniffFormat } from "./sniff-format.ts";
import { isSourceFolder, resolveSourceFolder } from "./source-folder.ts";

/** The model in one source, or in several of one set; `kind` says whose they are. */
export async function resolveCustom(
  session: Session,
  sources: readonly ByteSource[],
  kind: "blob" | "custom",
): Promise<ResolvedSource> {
  if (isSourceFolder(sources)) return resolveSourceFolder(session, sources, kind);
  const ordered = inShardOrder(session, sources);
  const [first] = ordered;
  if (first === undefined) {
    throw new InspectError("invalid-source", "The list of sources is empty. Give every file of the set.");
  }
  session.addFiles(ordered.length);
  return {
    kind,
    id: first.path ?? first.label,
    format: await sniffFormat(first, session.options.signal),
    files: ordered.map((source) => ({
      path: source.path ?? source.label,
      async open(signal) {
        throwIfAborted(session, signal);
        return source;
      },
    })),
    traffic: session.traffic,
    diagnostics: [],
  };
}

/** Shards in the order of their numbers, all present; other sources in the order given. */
function inShardOrder(session: Session, sources: readonly ByteSource[]): readonly ByteSource[] {
  const byPath = new Map(sources.map((source) => [source.path ?? source.label, source]));
  const shards = [...byPath.keys()].map(parseShardName);
  const [first] = shards;
  if (first === undefined || shards.some((shard) => shard?.stem !== first.stem || shard.total !== first.total)) {
    return sources;
  }
  if (byPath.size < sources.length) {
    throw new InspectError("invalid-source", "One part of the set is given twice. Give every file of the set once.");
  }
  requireFewShards(first.total, "the set of sources given", session.options.limits.shards);
  const zeroBased = shards.some((shard) => shard?.index === 0);
  const missing = shardSet(first, zeroBased).filter((path) => !byPath.has(path));
  if (missing.length > 0) throw missingShards("the sources given", missing, first.total);
  return [...byPath.entries()].sort(([a], [b]) => byName(a, b)).map(([, source]) => source);
}
