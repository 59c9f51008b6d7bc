import { InspectError } from "../errors.ts";

/** What identifies the content, as one reply tells it. Every reply of a file must tell the same. */
export type Identity = {
  readonly bytes: number | undefined;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** The commit a hub answers for. */
  readonly commit: string | undefined;
};

/** Throws `source-changed` when two replies about one file contradict each other. What one leaves out is no contradiction. */
export function requireSameFile(label: string, known: Identity, now: Identity): void {
  const differs = <K extends keyof Identity>(key: K) =>
    known[key] !== undefined && now[key] !== undefined && known[key] !== now[key];
  const dated = known.etag === undefined && differs("lastModified");
  const changed = differs("bytes") || differs("etag") || differs("commit") || dated;
  if (!changed) return;
  throw new InspectError(
    "source-changed",
    `${label} changed between two answers: ${describe(known)}, then ${describe(now)}. Read it again, at a fixed revision.`,
    { source: label },
  );
}

function describe({ bytes, etag, lastModified, commit }: Identity): string {
  const version = commit ?? etag ?? lastModified;
  return `${bytes ?? "unknown"} bytes${version === undefined ? "" : ` of ${version.slice(0, 80)}`}`;
}
