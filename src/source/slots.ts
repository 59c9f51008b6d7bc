import { onAbort } from "./on-abort.ts";

/** Gives a place back. Calling it twice is harmless. */
export type Release = () => void;

/** Places for what is read at once, over all models of one call (`limits.concurrency`). */
export type Slots = {
  /** Waits for a place, in order of asking. */
  take(signal: AbortSignal | undefined): Promise<Release>;
  /** A place if there is one now. */
  tryTake(): Release | undefined;
};

export function makeSlots(count: number): Slots {
  let free = Math.max(1, count);
  const waiting = new Set<() => void>();

  function release(): Release {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      free += 1;
      const [next] = waiting;
      next?.();
    };
  }

  return {
    tryTake() {
      if (free === 0) return undefined;
      free -= 1;
      return release();
    },
    take(signal) {
      signal?.throwIfAborted();
      return new Promise((resolve, reject) => {
        let unlink: (() => void) | undefined;
        const settle = () => {
          if (free === 0) return;
          waiting.delete(settle);
          unlink?.();
          free -= 1;
          resolve(release());
        };
        waiting.add(settle);
        unlink =
          signal &&
          onAbort(signal, () => {
            waiting.delete(settle);
            reject(signal.reason);
          });
        const [next] = waiting;
        if (next === settle) settle();
      });
    },
  };
}
