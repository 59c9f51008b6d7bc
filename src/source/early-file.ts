import { InspectError } from "../errors.ts";
import { firstReads } from "./first-read.ts";
import { type HttpSource, openHttp } from "./http.ts";
import { hubTarget } from "./hub-listing.ts";
import type { HubReference } from "./hub-reference.ts";
import { formatByName } from "./model-files.ts";
import { onAbort } from "./on-abort.ts";
import { encodePath } from "./safe-path.ts";
import type { Session } from "./session.ts";
import { parseShardName } from "./shard-name.ts";

/** A weight file opened at its branch before the commit is known. */
export type EarlyFile = {
  readonly path: string;
  /** The open file, when it turns out to be that of the commit and as long as listed; undefined otherwise. */
  claim(commit: string, bytes: number | undefined, signal: AbortSignal | undefined): Promise<HttpSource | undefined>;
  abandon(): void;
};

/**
 * Starts reading the weight file a reference names while the repo is still being listed: the two requests do not depend on
 * each other, and a file of one request should not wait for another's answer. Its failures are left to the opening at the
 * commit, which says what they mean.
 */
export function openEarly(session: Session, { id, path }: HubReference, revision: string): EarlyFile | undefined {
  const format = path === undefined ? undefined : formatByName(path);
  if (path === undefined || format === undefined || path.split("/").some((part) => /^\.{0,2}$/.test(part)))
    return undefined;
  const firstBytes = firstReads(format, session.options.limits).bytes((parseShardName(path)?.index ?? 1) - 1);
  const target = hubTarget(
    session,
    `/${id}/resolve/${encodeURIComponent(revision)}/${encodePath(path)}`,
    `${id}/${path}`,
  );
  const stop = new AbortController();
  const opening = openHttp(session, target, { firstBytes, path }, stop.signal).catch(() => undefined);
  const abandon = () =>
    stop.abort(new InspectError("network", `Reading ${target.label} was ended.`, { source: target.label }));
  return {
    path,
    abandon,
    async claim(commit, bytes, signal) {
      const unlink = signal && onAbort(signal, () => stop.abort(signal.reason));
      const source = await opening;
      if (source?.commit === commit && (bytes === undefined || source.size === bytes)) return source;
      unlink?.();
      abandon();
      return undefined;
    },
  };
}
