import { getHeapStatistics } from "node:v8";
import { isInspectError } from "../../src/errors.ts";
import { inspectModel } from "../../src/inspect.ts";
import type { Device } from "../../src/runtimes/device.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { loadComputeGraphs } from "../../src/runtimes/llama-cpp/compute-graph.ts";
import { runtimesFor } from "../../src/runtimes/runtimes-for.ts";
import type { ByteSource } from "../../src/source/byte-source.ts";
import { mutate } from "./mutate.ts";
import { type Random, seededRandom } from "./random.ts";
import type { Seed } from "./seeds.ts";

/** No answer may take longer. */
const HANG_MS = 1_000;

/** What reading a small file may allocate: far above what any does, far below what a believed length of 2^31 would take. */
const BUDGET_BYTES = 96 * 1024 ** 2;

/** Headers of the seeds end well before this, so that most changes hit one. */
const HEADER_REACH = 4_096;

/** GPUs that llama.cpp spreads a graph over. */
const DEVICES: readonly (readonly Device[])[] = [
  [],
  [{ name: "GPU0", kind: "cuda", memoryBytes: 24e9 }],
  [{ name: "GPU0", kind: "metal", memoryBytes: 24e9 }],
  [
    { name: "GPU0", kind: "cuda", memoryBytes: 24e9 },
    { name: "GPU1", kind: "cuda", memoryBytes: 8e9 },
  ],
];

export type Finding = { readonly seed: number; readonly name: string; readonly problem: string };

export type FuzzResult = {
  readonly runs: number;
  /** How often a changed file was still read, and by code how often it was rejected. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly findings: readonly Finding[];
  readonly slowestMs: number;
  readonly mostBytes: number;
};

/**
 * Changes the seeds at random and reads what comes out, then weighs what was read by every runtime. A finding is anything but a
 * model, an estimate or an `InspectError`; an answer that takes over a second; memory beyond the budget. Run number `n` depends on
 * `firstSeed + n` alone.
 */
export async function fuzz(
  seeds: readonly Seed[],
  firstSeed: number,
  goesOn: (runs: number) => boolean,
): Promise<FuzzResult> {
  // Reading modules is no part of reading a file.
  await loadComputeGraphs();
  const outcomes = new Map<string, number>();
  const findings: Finding[] = [];
  let [runs, slowestMs, mostBytes] = [0, 0, 0];
  for (; goesOn(runs); runs++) {
    const random = seededRandom(firstSeed + runs);
    const seed = random.pick(seeds);
    const files = changed(seed, random);
    const before = allocatedBytes();
    const start = performance.now();
    const outcome = await outcomeOf(files, random);
    const tookMs = performance.now() - start;
    const bytes = allocatedBytes() - before;
    const problems = [
      outcome.problem ?? [],
      tookMs > HANG_MS ? `took ${Math.round(tookMs)} ms` : [],
      bytes > BUDGET_BYTES ? `allocated ${bytes} bytes` : [],
    ].flat();
    for (const problem of problems) findings.push({ seed: firstSeed + runs, name: seed.name, problem });
    outcomes.set(outcome.name, (outcomes.get(outcome.name) ?? 0) + 1);
    slowestMs = Math.max(slowestMs, tookMs);
    mostBytes = Math.max(mostBytes, bytes);
  }
  return { runs, outcomes, findings, slowestMs, mostBytes };
}

/** The files of a seed, one of them changed. */
export function changed({ files }: Seed, random: Random): ReadonlyMap<string, Uint8Array> {
  const victim = random.pick([...files.keys()]);
  return new Map(
    [...files].map(([name, bytes]) => [name, name === victim ? mutate(bytes, random, HEADER_REACH) : bytes] as const),
  );
}

/** Garbage counts until it is collected, so within one run this is what was allocated, or less. */
function allocatedBytes(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

type Outcome = { readonly name: string; readonly problem?: string };

async function outcomeOf(files: ReadonlyMap<string, Uint8Array>, random: Random): Promise<Outcome> {
  try {
    const model = await inspectModel([...files].map(([path, bytes]) => sourceOf(path, bytes)));
    JSON.stringify(model);
    const contextTokens = random.pick([1, 511, 4_096, 2 ** 31 - 1]);
    for (const runtime of runtimesFor(model)) {
      const weighed = typedOrThrow(() =>
        estimateMemory(model, {
          runtime,
          contextTokens,
          sequences: random.pick([1, 3]),
          ...(runtime === "llama.cpp" ? { devices: random.pick(DEVICES) } : {}),
        }),
      );
      if (weighed !== undefined && !isSound(weighed.items.map(({ bytes }) => bytes))) {
        return { name: "read", problem: `${runtime}: bytes that are no whole numbers` };
      }
    }
    return { name: "read" };
  } catch (error) {
    if (isInspectError(error)) return { name: error.code };
    return { name: "untyped", problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function isSound(bytes: readonly number[]): boolean {
  return bytes.every((each) => Number.isSafeInteger(each) && each >= 0);
}

/** Undefined where a runtime refuses with a code. */
function typedOrThrow<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isInspectError(error)) return undefined;
    throw error;
  }
}

function sourceOf(path: string, bytes: Uint8Array): ByteSource {
  return { size: bytes.length, label: path, path, read: async (start, end) => bytes.slice(start, end) };
}
