import { isInspectError } from "../../../src/errors.ts";
import { inspectModel } from "../../../src/inspect.ts";
import type { Model } from "../../../src/model/model.ts";
import type { MemoryEstimate, MemoryItem } from "../../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../../src/runtimes/estimate-memory.ts";
import { holeyFile } from "../../holey-file.ts";
import { ggufOfKeys } from "../architectures/keys.ts";
import type { ArchitectureRow } from "../golden.ts";
import { PLACEMENT_GRID, PLACEMENTS, type PlacedWorkload } from "../placements.ts";
import type { DeviceBytes, WholeModelRow } from "./golden.ts";
import { unfoldTensors } from "./tensors.ts";
import { WHOLE_WORKLOADS } from "./workloads.ts";

/** Figures that were held against the engine's, by what they are of. A refusal that both make counts as one. */
export type Tally = { weights: number; cache: number; output: number; work: number; compute: number; refusals: number };

export type WholeModelVerdict = { readonly exact: Tally; readonly differences: readonly string[] };

/** Holds weights, cache, output and work buffer of one model against the engine's, and the compute buffers against their bounds. */
export async function compareWholeModel(row: WholeModelRow, keys: ArchitectureRow): Promise<WholeModelVerdict> {
  const model = await inspectModel(holeyFile(ggufOfKeys(row.architecture, keys.keys, unfoldTensors(row.tensors))));
  const exact: Tally = { weights: 0, cache: 0, output: 0, work: 0, compute: 0, refusals: 0 };
  const differences: string[] = [];
  const compare = (
    asked: string,
    workload: PlacedWorkload,
    answer: unknown,
    hold: (memory: MemoryEstimate) => void,
  ) => {
    // Where the engine breaks off there is nothing to hold a figure against.
    if (answer === null || answer === undefined) return;
    const memory = estimate(model, workload);
    if (memory !== undefined && typeof answer !== "string") hold(memory);
    else if (memory === undefined && typeof answer === "string") exact.refusals += 1;
    else differences.push(`${asked}: ${memory === undefined ? "refused" : "weighed"}, llama.cpp ${answer}`);
  };
  const equal = (part: keyof Tally, asked: string, ours: number | null, theirs: number | undefined): void => {
    if (ours === theirs) exact[part] += 1;
    else differences.push(`${asked}: ${part} ${ours}, llama.cpp ${theirs}`);
  };
  WHOLE_WORKLOADS.forEach((workload, index) => {
    const answer = row.answers[index] ?? null;
    const asked = JSON.stringify(workload);
    compare(asked, workload, answer, (memory) => {
      const [cache, output, work] = answer as readonly number[];
      equal("weights", asked, memory.totals.weights, row.weightBytes);
      equal("cache", asked, memory.totals.cache, cache);
      equal("output", asked, itemBytes(memory, "output buffer"), output);
      const own = memory.items.find(({ label }) => label.startsWith("work buffer"));
      const inside = own?.certainty === "estimate" && within(own, work ?? 0);
      equal("work", asked, inside ? (work ?? 0) : (own?.bytes ?? 0), work);
    });
  });
  const places = [...PLACEMENTS.map((workload, index) => [workload, row.placed[index] ?? null] as const)];
  if (row.grid) PLACEMENT_GRID.forEach((workload, index) => void places.push([workload, row.grid?.[index] ?? null]));
  for (const [workload, answer] of places) {
    const asked = JSON.stringify(workload);
    compare(asked, workload, answer, (memory) => {
      for (const [index, [weights, cache, compute]] of (answer as DeviceBytes).entries()) {
        const name = index === 0 ? "CPU" : `GPU${index - 1}`;
        const device = memory.devices.find((each) => each.name === name);
        equal("weights", `${asked} ${name}`, device?.weights ?? null, weights);
        equal("cache", `${asked} ${name}`, device?.cache ?? null, cache);
        const bounds = computeBounds(memory, name);
        if (bounds === undefined) continue;
        if (bounds.low <= compute && compute <= bounds.high) exact.compute += 1;
        else differences.push(`${asked} ${name}: compute ${bounds.low} to ${bounds.high}, llama.cpp ${compute}`);
      }
    });
  }
  return { exact, differences };
}

function estimate(model: Model, workload: PlacedWorkload): MemoryEstimate | undefined {
  try {
    return estimateMemory(model, { runtime: "llama.cpp", ...workload });
  } catch (error) {
    if (isInspectError(error, "unsupported-option")) return undefined;
    throw error;
  }
}

function itemBytes({ items }: MemoryEstimate, label: string): number {
  return items.find((item) => item.label.startsWith(label))?.bytes ?? 0;
}

function within({ bytes, low = bytes, high = bytes }: MemoryItem, engine: number): boolean {
  return low <= engine && engine <= high;
}

/** Undefined where weighin gives no figure. */
function computeBounds({ totals, items }: MemoryEstimate, device: string): { low: number; high: number } | undefined {
  if (totals.compute === null) return undefined;
  const own = items.filter((item) => item.component === "compute" && item.device === device);
  return {
    low: own.reduce((sum, { bytes, low = bytes }) => sum + low, 0),
    high: own.reduce((sum, { bytes, high = bytes }) => sum + high, 0),
  };
}
