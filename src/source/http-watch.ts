import { InspectError } from "../errors.ts";
import { outOfTime, type Session } from "./session.ts";

/** A longer delay wraps around and fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Watches one request: ends it when a caller aborts, when the server goes silent, or when time is up. */
export type Watch = {
  readonly signal: AbortSignal;
  /** Waits for `step`, no longer than the idle and total times allow. */
  wait<T>(step: Promise<T>): Promise<T>;
  /** Ends the request and lets go of the callers' signals. Calling it twice is harmless. */
  end(): void;
};

/** Starts watching. Rejects at once when a caller has already aborted. */
export function watchRequest(session: Session, label: string, signal: AbortSignal | undefined): Watch {
  const callers = [session.options.signal, signal].filter((caller) => caller !== undefined);
  for (const caller of callers) caller.throwIfAborted();
  const own = new AbortController();
  const unlinks = callers.map((caller) => {
    const onAbort = () => own.abort(caller.reason);
    caller.addEventListener("abort", onAbort, { once: true });
    return () => caller.removeEventListener("abort", onAbort);
  });
  return {
    signal: own.signal,
    wait: (step) => waitFor(step, session, label, own),
    end() {
      for (const unlink of unlinks) unlink();
      own.abort(new InspectError("network", `Reading ${label} was ended.`, { source: label }));
    },
  };
}

function waitFor<T>(step: Promise<T>, session: Session, label: string, own: AbortController): Promise<T> {
  const { idleTimeoutMs } = session.options.limits;
  const remainingMs = session.remainingMs();
  const isIdle = idleTimeoutMs < remainingMs;
  const timer = setTimeout(
    () => {
      const silent = new InspectError(
        "timeout",
        `No byte of ${label} arrived for ${idleTimeoutMs} ms (limits.idleTimeoutMs). Check the connection, or try again later.`,
        { source: label },
      );
      own.abort(isIdle ? silent : outOfTime(session, label));
    },
    Math.max(0, Math.min(idleTimeoutMs, remainingMs, LONGEST_TIMER_MS)),
  );
  // The race matters for a `fetch` hook that does not heed its signal.
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(own.signal.reason);
    if (own.signal.aborted) onAbort();
    own.signal.addEventListener("abort", onAbort, { once: true });
    step
      .then(resolve, (error: unknown) => reject(own.signal.aborted ? own.signal.reason : error))
      .finally(() => own.signal.removeEventListener("abort", onAbort));
  }).finally(() => clearTimeout(timer));
}

/** Waits between two tries; ends early with the reason when a caller aborts or the total time is up. */
export async function pause(
  ms: number,
  session: Session,
  label: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (ms >= session.remainingMs()) throw outOfTime(session, label);
  const watch = watchRequest(session, label, signal);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rest = new Promise<void>((resolve, reject) => {
    timer = setTimeout(resolve, ms);
    watch.signal.addEventListener("abort", () => reject(watch.signal.reason), { once: true });
  });
  try {
    await rest;
  } finally {
    clearTimeout(timer);
    watch.end();
  }
}
