import type { FirstReads } from "./first-read.ts";
import { openHttp } from "./http.ts";
import type { HttpTarget } from "./http-request.ts";
import type { WeightFile } from "./resolved.ts";
import type { Session } from "./session.ts";

/** A file whose address and size a listing gave. */
export type ListedRemoteFile = {
  readonly url: URL;
  readonly label: string;
  readonly path: string;
  /** Its place in the set. */
  readonly index: number;
  readonly bytes: number | undefined;
};

/** The file as one to weigh: opening it is its first read, and its size must be the listed one. */
export function remoteFile(session: Session, reads: FirstReads, file: ListedRemoteFile): WeightFile {
  const { path, index, bytes } = file;
  return {
    path,
    headerRead: (headerBytes) => reads.learn(index, headerBytes),
    open: (signal, firstBytes = reads.bytes(index)) => {
      const plan = { firstBytes, path, ...(bytes !== undefined && { expectedBytes: bytes }) };
      return openHttp(session, targetAt(session, file.url, file.label), plan, signal);
    },
  };
}

/** An address that gets no token of the hub's, with its own budget of requests. */
export function targetAt(session: Session, url: URL, label: string, accept?: string): HttpTarget {
  const { requestsPerFile } = session.options.limits;
  return { url, label, budget: { left: requestsPerFile }, ...(accept !== undefined && { accept }) };
}
