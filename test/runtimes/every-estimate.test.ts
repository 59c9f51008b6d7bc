import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { FIXTURE_FILES } from "../../conformance/paths.ts";
import { fixtureExpectations } from "../../fixtures/fixtures.ts";
import { isInspectError } from "../../src/errors.ts";
import { inspectModel } from "../../src/inspect.ts";
import type { MemoryEstimate, MemoryItem } from "../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { runtimesFor } from "../../src/runtimes/runtimes-for.ts";
import type { Workload } from "../../src/runtimes/workload.ts";

const GPU = { name: "GPU0", kind: "cuda", memoryBytes: 80 * 1024 ** 3 } as const;

/** Workloads of every runtime: as it comes, several sequences, and a GPU. */
const COMMON = [
  { contextTokens: 512 },
  { contextTokens: 4096, sequences: 3 },
  { contextTokens: 4096, devices: [GPU] },
] as const;

/** A figure's source: a file of the engine with its release, a thread of a tracker, a paper, a page. */
const CITATION = /\.(py|cpp|h|cu|c|go|md|rst|cuh)\b|\bllama-\w|\bggml\b|issue|#\d|pull request|arXiv|docs|README/i;

const cases = await Promise.all(
  fixtureExpectations.map(async ({ path }) => {
    const model = await inspectModel(join(FIXTURE_FILES, path));
    return { path, model, runtimes: runtimesFor(model) };
  }),
);

function sum(items: readonly MemoryItem[], part: (item: MemoryItem) => number): number {
  return items.reduce((total, item) => total + part(item), 0);
}

/** What is wrong with an estimate, whatever its runtime. */
function problems(estimate: MemoryEstimate): string[] {
  const { items, totals, devices } = estimate;
  const found: string[] = [];
  for (const item of items) {
    const name = `${item.component} ${JSON.stringify(item.label)}`;
    const { bytes, low, high, certainty } = item;
    if (!Number.isSafeInteger(bytes) || bytes < 0) found.push(`${name}: ${bytes} bytes`);
    if (!CITATION.test(item.source)) found.push(`${name}: cites ${JSON.stringify(item.source)}`);
    if (!devices.some((device) => device.name === item.device)) found.push(`${name}: no device ${item.device}`);
    const ranged = low !== undefined && high !== undefined;
    if (ranged !== (certainty === "estimate")) found.push(`${name}: ${certainty} from ${low} to ${high}`);
    if (ranged && !(low <= bytes && bytes <= high)) found.push(`${name}: ${bytes} is not in ${low}..${high}`);
    if (ranged && !(Number.isInteger(low) && Number.isInteger(high))) found.push(`${name}: ${low}..${high}`);
  }
  if (totals.total !== null && totals.total !== sum(items, ({ bytes }) => bytes)) found.push("the total is no sum");
  // What fills up a share of the device is at its high where the rest is at its low.
  const least = sum(items, ({ bytes, low = bytes, high = bytes, fills }) => (fills ? high : low));
  if (
    totals.low !==
    Math.min(
      least,
      sum(items, ({ bytes }) => bytes),
    )
  )
    found.push("the low bound is no sum");
  const perDevice = devices.reduce((total, device) => total + (device.total ?? 0), 0);
  if (totals.total !== null && totals.total !== perDevice) found.push("devices do not sum to the total");
  if (JSON.stringify(JSON.parse(JSON.stringify(estimate))) !== JSON.stringify(estimate)) found.push("is not JSON");
  return found;
}

/** An estimate, or undefined where the runtime says that it does not take the model. */
function estimateOrRefusal(model: (typeof cases)[number]["model"], workload: Workload): MemoryEstimate | undefined {
  try {
    return estimateMemory(model, workload);
  } catch (error) {
    if (isInspectError(error, "unsupported-runtime") || isInspectError(error, "unsupported-option")) return undefined;
    throw error;
  }
}

describe("every estimate", () => {
  test.each(cases)("of $path has cited figures, bounds around each estimate, and sums", ({ model, runtimes }) => {
    for (const runtime of runtimes) {
      for (const common of COMMON) {
        const estimate = estimateOrRefusal(model, { ...common, runtime });
        if (estimate !== undefined)
          expect({ runtime, problems: problems(estimate) }).toEqual({ runtime, problems: [] });
      }
    }
  });

  test("grows with the context in both its bounds", () => {
    for (const { path, model, runtimes } of cases) {
      for (const runtime of runtimes) {
        const [short, long] = [256, 8192].map((contextTokens) => estimateOrRefusal(model, { runtime, contextTokens }));
        if (short === undefined || long === undefined) continue;
        const grows = short.totals.low <= long.totals.low && (short.totals.high ?? 0) <= (long.totals.high ?? Infinity);
        expect({ path, runtime, grows }).toEqual({ path, runtime, grows: true });
      }
    }
  });

  test("is there for a plain model by every runtime that loads its format", () => {
    const llama = cases.find(({ path }) => path === "safetensors/llama-3");
    if (llama === undefined) throw new Error("no llama-3 fixture");
    expect(llama.runtimes.length).toBeGreaterThan(3);
    for (const runtime of llama.runtimes) {
      const { totals } = estimateMemory(llama.model, { runtime, contextTokens: 1024 });
      expect({ runtime, weighed: totals.weights > 0 && totals.total !== null }).toEqual({ runtime, weighed: true });
    }
  });
});
