import type { FilledBuffer, GraphTensor } from "./tensor.ts";

/** Keys and values of a layer, or a state of it: by the role of a cache, or by what the state is of. */
type NamedCache = {
  readonly name: string;
  readonly layer: number;
  readonly isWindowed: boolean;
  readonly tensors: readonly GraphTensor[];
};

/** States by the buffer they share and their order in a layer (`llama-memory-recurrent.cpp:100`, `llama-kv-cache-dsv4.cpp:965`). */
const STATES: ReadonlyMap<string, readonly [buffer: string, place: number]> = new Map([
  ["convolution", ["states", 0]],
  ["shift", ["states", 0]],
  ["ssm", ["states", 1]],
  ["linear", ["states", 1]],
  ["ngram", ["states", 2]],
  ["tokens", ["states", 2]],
  ["compressed rows", ["compressor", 0]],
  ["compressed scores", ["compressor", 1]],
  ["index rows", ["index compressor", 0]],
  ["index scores", ["index compressor", 1]],
]);
const MOST_STATES = 3;

/** Offsets of tensors in a buffer of Metal are multiples of this. */
const ALIGNMENT = 32;

/**
 * Notes on each cache in which buffer it lies and what follows it there, layer after layer (llama.cpp 0.5.0
 * `src/llama-kv-cache.cpp:277`). Metal computes nothing at once that reads and writes what touches. States have their memory
 * even where the engine only measures.
 */
export function arrangeCaches(caches: readonly NamedCache[]): void {
  const buffers = new Map<string, { buffer: FilledBuffer; caches: NamedCache[] }>();
  for (const cache of caches) {
    const [first] = cache.tensors;
    const state = STATES.get(cache.name);
    const pool = state === undefined ? `${cache.name} ${cache.isWindowed}` : state[0];
    const key = `${first?.storage?.device.name} ${pool} ${first?.ne[1]}`;
    const known = buffers.get(key) ?? { buffer: { isMadeUp: state === undefined }, caches: [] };
    buffers.set(key, known);
    known.caches.push(cache);
  }
  const placeOf = ({ name, layer }: NamedCache): number => layer * MOST_STATES + (STATES.get(name)?.[1] ?? 0);
  for (const { buffer, caches: own } of buffers.values()) {
    const tensors = own.toSorted((a, b) => placeOf(a) - placeOf(b)).flatMap((each) => each.tensors);
    tensors.forEach((tensor, index) => {
      tensor.lies = { buffer, touches: touchedBy(tensor, tensors.slice(index + 1)) };
    });
  }
}

/** Itself and what begins where it ends. What is empty touches only what lies at its place. */
function touchedBy(tensor: GraphTensor, after: readonly GraphTensor[]): GraphTensor[] {
  const isEmpty = tensor.bytes === 0;
  const touched = isEmpty ? [] : [tensor];
  if (tensor.bytes % ALIGNMENT !== 0) return touched;
  const next = after.findIndex(({ bytes }) => bytes > 0);
  return [...touched, ...after.slice(isEmpty ? Math.max(next, 0) : 0, next + 1)];
}
