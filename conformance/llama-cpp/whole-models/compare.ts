import { inspectModel } from "../../../src/inspect.ts";
import type { Model } from "../../../src/model/model.ts";
import type { MemoryEstimate } from "../../../src/runtimes/estimate.ts";
import { holeyFile } from "../../holey-file.ts";
import { ggufOfKeys } from "../architectures/keys.ts";
import type { ArchitectureRow } from "../golden.ts";
import { compareCompute, comparePlaced, outputOf, type PlacedVerdict, placedVerdict, tryEstimate } from "../placed.ts";
import { PLACEMENT_GRID, PLACEMENTS } from "../placements.ts";
import type { WholeModelRow } from "./golden.ts";
import { unfoldTensors } from "./tensors.ts";
import { WHOLE_WORKLOADS } from "./workloads.ts";

export type WholeModelVerdict = {
  /** On the CPU alone: figures equal to the engine's, estimates whose bounds hold the engine's, refusals of both. */
  readonly host: {
    weights: number;
    cache: number;
    output: number;
    work: number;
    workInBounds: number;
    compute: number;
    computeInBounds: number;
    refusals: number;
  };
  readonly devices: PlacedVerdict["exact"];
  readonly differences: readonly string[];
};

/** Holds everything about one model against the engine's answers, and the compute buffers against their bounds. */
export async function compareWholeModel(row: WholeModelRow, keys: ArchitectureRow): Promise<WholeModelVerdict> {
  const model = await inspectModel(holeyFile(ggufOfKeys(row.architecture, keys.keys, unfoldTensors(row.tensors))));
  const placed = placedVerdict();
  const host = compareOnHost(model, row, placed.differences);
  PLACEMENTS.forEach((workload, index) => void comparePlaced(model, workload, row.placed[index], placed));
  if (row.grid !== undefined) {
    PLACEMENT_GRID.forEach((workload, index) => void comparePlaced(model, workload, row.grid?.[index], placed));
  }
  return { host, devices: placed.exact, differences: placed.differences };
}

function compareOnHost(model: Model, row: WholeModelRow, differences: string[]): WholeModelVerdict["host"] {
  const exact = {
    weights: 0,
    cache: 0,
    output: 0,
    work: 0,
    workInBounds: 0,
    compute: 0,
    computeInBounds: 0,
    refusals: 0,
  };
  WHOLE_WORKLOADS.forEach((workload, index) => {
    const answer = row.answers[index] ?? null;
    const asked = JSON.stringify(workload);
    const memory = tryEstimate(model, workload);
    if (memory === undefined || answer === null || typeof answer === "string") {
      if (memory === undefined && !Array.isArray(answer)) exact.refusals += 1;
      // Where the engine breaks off there is nothing to hold a figure against.
      else if (answer !== null) differences.push(`${asked}: ${memory ? "weighed" : "refused"}, llama.cpp ${answer}`);
      return;
    }
    const [cache, output, work, compute] = answer;
    const { bytes, low, high } = workOf(memory);
    const pairs = [
      ["weights", memory.totals.weights, row.weightBytes],
      ["cache", memory.totals.cache, cache],
      ["output", outputOf(memory), output],
      ...(bytes === undefined ? [] : [["work", bytes, work] as const]),
    ] as const;
    for (const [part, ours, theirs] of pairs) {
      if (ours === theirs) exact[part] += 1;
      else differences.push(`${asked}: ${part} ${ours}, llama.cpp ${theirs}`);
    }
    if (bytes === undefined) {
      if (low <= work && work <= high) exact.workInBounds += 1;
      else differences.push(`${asked}: work ${low} to ${high}, llama.cpp ${work}`);
    }
    const held = compareCompute(memory, "CPU", compute);
    if (typeof held === "object") differences.push(`${asked} ${held.difference}`);
    else exact[held] += 1;
  });
  return exact;
}

/** Bytes of the work buffer, or none where it is an estimate; and its bounds. */
function workOf({ items }: MemoryEstimate): { bytes?: number; low: number; high: number } {
  const item = items.find(({ label }) => label.startsWith("work buffer"));
  if (item === undefined) return { bytes: 0, low: 0, high: 0 };
  const { bytes, low = bytes, high = bytes, certainty } = item;
  return certainty === "estimate" ? { low, high } : { bytes, low, high };
}
