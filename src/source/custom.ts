import { InspectError } from "../errors.ts";
import { byName } from "./by-name.ts";
import type { ByteSource } from "./byte-source.ts";
import { missingShards } from "./missing-shards.ts";
import type { ResolvedSource } from "./resolved.ts";
import { type Session, throwIfAborted } from "./session.ts";
import { parseShardName, requireFewShards, shardSet } from "./shard-name.ts";
import { sniffFormat } from "./sniff-format.ts";

/** The model in one source, or in several of one set; `kind` says whose they are. */
export async function resolveCustom(
  session: Session,
  sources: readonly ByteSource[],
  kind: "blob" | "custom",
): Promise<ResolvedSource> {
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

/** A caller's own source: its reads are counted, and their length is checked, since nothing else vouches for it. */
export function countedSource(session: Session, source: ByteSource): ByteSource {
  const { label } = source;
  const count = (bytes: Uint8Array) => {
    session.addBytes(bytes.byteLength);
    return bytes;
  };
  return {
    size: source.size,
    label,
    ...(source.path !== undefined && { path: source.path }),
    async read(start, end, signal) {
      throwIfAborted(session, signal);
      session.addRequest();
      const bytes = count(await source.read(start, end, signal));
      if (bytes.byteLength === end - start) return bytes;
      throw new InspectError(
        "truncated",
        `${label} gave ${bytes.byteLength} bytes where ${end - start} were asked for at byte ${start}. ByteSource.read must give exactly the range.`,
        { source: label, offset: start },
      );
    },
    ...(source.stream !== undefined && {
      stream: (start: number, signal?: AbortSignal) => countedStream(start, signal),
    }),
    version: () => source.version?.(),
    async close() {
      session.endFile();
      await source.close?.();
    },
  };

  async function* countedStream(start: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    throwIfAborted(session, signal);
    session.addRequest();
    for await (const chunk of source.stream?.(start, signal) ?? []) yield count(chunk);
  }
}
