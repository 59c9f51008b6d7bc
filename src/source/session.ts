import type { Diagnostic } from "../diagnostics.ts";
import { InspectError } from "../errors.ts";
import type { SourceOptions, Traffic } from "./resolved.ts";

/** What all sources of one inspection share: the options, the counters and the clock. */
export type Session = {
  readonly options: SourceOptions;
  readonly traffic: Traffic;
  /** What the hub asks to tell its users, by topic. */
  readonly serverWarnings: Map<string, Diagnostic>;
  /** The same options, clock and progress for another model, whose traffic is counted apart. */
  fork(): Session;
  /** Counts one logical read: redirects belong to it, retries and follow-ups do not. */
  addRequest(): void;
  addBytes(bytes: number): void;
  /** Tells progress how many weight files there are. */
  addFiles(files: number): void;
  /** Tells progress that one file has been read. */
  endFile(): void;
  /** Milliseconds left of `timeoutMs`; Infinity without one. */
  remainingMs(): number;
};

/** Starts the clock and the counters of one inspection. */
export function startSession(options: SourceOptions): Session {
  const startedAtMs = options.startedAtMs ?? performance.now();
  let files = 0;
  let filesRead = 0;
  let bytesRead = 0;
  const tell = () => options.onProgress?.({ files, filesRead, bytesRead });

  function withTraffic(traffic: Traffic): Session {
    return {
      options,
      traffic,
      serverWarnings: new Map(),
      fork: () => withTraffic({ requests: 0, bytesRead: 0 }),
      addRequest() {
        traffic.requests += 1;
      },
      addBytes(bytes) {
        traffic.bytesRead += bytes;
        bytesRead += bytes;
        tell();
      },
      addFiles(count) {
        files += count;
        tell();
      },
      endFile() {
        // A file read again after it changed is still one.
        filesRead = Math.min(filesRead + 1, files);
        tell();
      },
      remainingMs() {
        const { timeoutMs } = options;
        return timeoutMs === undefined ? Number.POSITIVE_INFINITY : timeoutMs - (performance.now() - startedAtMs);
      },
    };
  }

  return withTraffic({ requests: 0, bytesRead: 0 });
}

/** Rejects with the caller's own reason once either of the caller's signals has fired. */
export function throwIfAborted(session: Session, signal: AbortSignal | undefined): void {
  session.options.signal?.throwIfAborted();
  signal?.throwIfAborted();
}

/** The error of an inspection that took longer than `options.timeoutMs`. */
export function outOfTime(session: Session, label: string): InspectError {
  return new InspectError(
    "timeout",
    `Reading ${label} was not done after ${session.options.timeoutMs} ms. Raise options.timeoutMs, or try again on a faster connection.`,
    { source: label },
  );
}
