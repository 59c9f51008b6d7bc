import type { FilledBuffer, GraphTensor } from "./tensor.ts";

/** A cache or a state of a layer by its name: the role of a cache, or what the state is of. */
export type NamedCache = { readonly name: string; readonly layer: number; readonly tensors: readonly GraphTensor[] };

/** States of a recurrence by their order in a layer (`src/llama-memory-recurrent.cpp:100`): all of them lie in one buffer. */
const STATES: ReadonlyMap<string, number> = new Map([
  ["convolution", 0],
  ["shift", 0],
  ["ssm", 1],
  ["linear", 1],
  ["ngram", 2],
  ["tokens", 2],
]);

/** Offsets of tensors in a buffer of Metal are multiples of this. */
const ALIGNMENT = 32;

/**
 * Notes on each cache in which buffer it lies and what follows it there, layer after layer (llama.cpp 0.5.0
 * `src/llama-kv-cache.cpp:277`). Metal computes nothing at once that reads and writes what touches.
 */
export function arrangeCaches(caches: readonly NamedCache[], poolOf: (cache: NamedCache) => string): void {
  const buffers = new Map<string, { buffer: FilledBuffer; caches: NamedCache[] }>();
  for (const cache of caches) {
    const device = cache.tensors[0]?.storage?.device.name;
    const isState = STATES.has(cache.name);
    const key = `${device} ${isState ? "states" : poolOf(cache)}`;
    const known = buffers.get(key) ?? { buffer: { isMadeUp: !isState }, caches: [] };
    buffers.set(key, known);
    known.caches.push(cache);
  }
  const placeOf = ({ name, layer }: NamedCache): number => layer * 3 + (STATES.get(name) ?? 0);
  for (const { buffer, caches: own } of buffers.values()) {
    const tensors = own.toSorted((a, b) => placeOf(a) - placeOf(b)).flatMap((each) => each.tensors);
    tensors.forEach((tensor, index) => {
      tensor.lies = { buffer, next: tensor.bytes % ALIGNMENT === 0 ? tensors[index + 1] : undefined };
    });
  }
}
