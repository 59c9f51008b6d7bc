import { isInspectError } from "../../../src/errors.ts";
import { inspectModel } from "../../../src/inspect.ts";
import type { Model } from "../../../src/model/model.ts";
import { estimateMemory } from "../../../src/runtimes/estimate-memory.ts";
import type { ArchitectureRow } from "../golden.ts";
import { ARCHITECTURE_WORKLOADS, type AskedWorkload } from "../workloads.ts";
import { writeKeys } from "./keys.ts";

/** How weighin's figures for one row stand to the engine's: how many are equal, and the others in words. */
export type ArchitectureVerdict = { readonly exact: number; readonly differences: readonly string[] };

/** Holds the cache of one row against the engine's bytes, and a refusal against a refusal, for every workload. */
export async function compareArchitecture(row: ArchitectureRow): Promise<ArchitectureVerdict> {
  const { architecture, title, keys, contextBytes } = row;
  const model = await inspectModel(new Blob([new Uint8Array(writeKeys(architecture, keys))]));
  let exact = 0;
  const differences: string[] = [];
  ARCHITECTURE_WORKLOADS.forEach((workload, index) => {
    const answer = contextBytes[index] ?? null;
    // Where the engine breaks off there is nothing to hold a figure against.
    if (answer === null) return;
    const engine = typeof answer === "number" ? answer : "refused";
    const own = cacheOf(model, workload);
    if (own === engine) exact += 1;
    else differences.push(`${architecture} ${title} ${JSON.stringify(workload)}: ${own}, llama.cpp ${engine}`);
  });
  return { exact, differences };
}

function cacheOf(model: Model, workload: AskedWorkload): number | "refused" | null {
  try {
    return estimateMemory(model, { runtime: "llama.cpp", ...workload }).totals.cache;
  } catch (error) {
    if (isInspectError(error, "unsupported-option")) return "refused";
    throw error;
  }
}
