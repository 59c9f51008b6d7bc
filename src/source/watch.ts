import { InspectError } from "../errors.ts";
import { onAbort } from "./on-abort.ts";
import { outOfTime, type Session } from "./session.ts";

/** A longer delay wraps around and fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Watches one request: ends it when a caller aborts, when the server goes silent, or when time is up. */
export type Watch = {
  readonly signal: AbortSignal;
  /** Waits for `step`, no longer than the idle and total times allow. One step at a time. */
  wait<T>(step: Promise<T>): Promise<T>;
  /** Ends the request and lets go of the callers' signals. Calling it twice is harmless. */
  end(): void;
};

/** Starts watching. Throws at once when a caller has already aborted. */
export function watchRequest(
  session: Session,
  label: string,
  signal: AbortSignal | undefined,
  idleTimeoutMs: number = session.options.limits.idleTimeoutMs,
): Watch {
  const callers = [session.options.signal, signal].filter((caller) => caller !== undefined);
  for (const caller of callers) caller.throwIfAborted();
  const own = new AbortController();
  const unlinks = callers.map((caller) => onAbort(caller, () => own.abort(caller.reason)));
  // One listener for all steps, which come one after another: adding one per step costs more than most steps.
  let rejectStep: ((reason: unknown) => void) | undefined;
  own.signal.addEventListener("abort", () => rejectStep?.(own.signal.reason), { once: true });

  function startTimer(): ReturnType<typeof setTimeout> | undefined {
    const remainingMs = session.remainingMs();
    const ms = Math.min(idleTimeoutMs, remainingMs);
    if (ms === Number.POSITIVE_INFINITY) return undefined;
    const onTime = () =>
      own.abort(idleTimeoutMs < remainingMs ? silent(label, idleTimeoutMs) : outOfTime(session, label));
    return setTimeout(onTime, Math.max(0, Math.min(ms, LONGEST_TIMER_MS)));
  }

  return {
    signal: own.signal,
    wait<T>(step: Promise<T>): Promise<T> {
      const timer = startTimer();
      // The race matters for a `fetch` hook or a source that does not heed its signal.
      return new Promise<T>((resolve, reject) => {
        rejectStep = reject;
        if (own.signal.aborted) reject(own.signal.reason);
        step.then(resolve, (error: unknown) => reject(own.signal.aborted ? own.signal.reason : error));
      }).finally(() => clearTimeout(timer));
    },
    end() {
      for (const unlink of unlinks) unlink();
      own.abort(new InspectError("network", `Reading ${label} was ended.`, { source: label }));
    },
  };
}

function silent(label: string, idleTimeoutMs: number): InspectError {
  return new InspectError(
    "timeout",
    `No byte of ${label} arrived for ${idleTimeoutMs} ms (limits.idleTimeoutMs). Check the connection, or try again later.`,
    { source: label },
  );
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
