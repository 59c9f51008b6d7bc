import { onAbort } from "./on-abort.ts";

/**
 * Runs `work` on every item, at most `concurrency` at once, results in order. The first failure aborts the signal
 * given to the others, waits for them to stop, and is the one that is thrown.
 */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  signal: AbortSignal | undefined,
  work: (item: Item, index: number, signal: AbortSignal) => Promise<Result>,
): Promise<Result[]> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const unlink = signal && onAbort(signal, () => stop.abort(signal.reason));
  const results = new Map<number, Result>();
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length && !stop.signal.aborted) {
      const index = next;
      next += 1;
      const item = items[index];
      if (item === undefined) continue;
      try {
        results.set(index, await work(item, index, stop.signal));
      } catch (error) {
        failures.push(error);
        stop.abort(error);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(Math.max(1, concurrency), items.length) }, worker));
  } finally {
    unlink?.();
  }
  signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}
