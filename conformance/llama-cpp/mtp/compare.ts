import { isInspectError } from "../../../src/errors.ts";
import { inspectModel } from "../../../src/inspect.ts";
import type { MemoryItem } from "../../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../../src/runtimes/estimate-memory.ts";
import type { ArchitectureVerdict } from "../architectures/compare.ts";
import { writeKeys } from "../architectures/keys.ts";
import { ARCHITECTURE_WORKLOADS } from "../workloads.ts";
import type { MtpRow } from "./cases.ts";

const MTP_ITEM = /^MTP context: /;

/**
 * Holds the cache of an MTP context against the engine's bytes, and its compute buffer against the bounds. What weighin
 * refuses the engine must refuse too, or have no graph of the MTP blocks for: it then draws the main one, for no use.
 */
export async function compareMtp(row: MtpRow): Promise<ArchitectureVerdict> {
  const model = await inspectModel(new Blob([new Uint8Array(writeKeys(row.architecture, row.keys))]));
  let exact = 0;
  const differences: string[] = [];
  ARCHITECTURE_WORKLOADS.forEach((workload, index) => {
    const answer = row.answers[index];
    if (answer === null || answer === undefined) return;
    const asked = `${row.architecture} ${row.title} ${JSON.stringify(workload)}`;
    const { cacheTypeK = "f16", cacheTypeV = "f16" } = workload;
    const draft = { draftCacheTypeK: cacheTypeK, draftCacheTypeV: cacheTypeV };
    const items = itemsOf(
      () => estimateMemory(model, { runtime: "llama.cpp", ...workload, ...draft, mtpContext: true }).items,
    );
    if (items === "refused") return;
    if ("refused" in answer) {
      differences.push(`${asked}: llama.cpp refuses it: ${answer.refused}`);
      return;
    }
    const cache = sum(items, "cache");
    if (cache === answer.contextBytes) exact += 1;
    else differences.push(`${asked}: ${cache}, llama.cpp ${answer.contextBytes}`);
    const outside = items.find(
      ({ component, low = 0, high = 0 }) =>
        component === "compute" && (answer.computeBytes < low || answer.computeBytes > high),
    );
    if (outside !== undefined) {
      differences.push(`${asked}: compute ${outside.low} to ${outside.high}, llama.cpp ${answer.computeBytes}`);
    }
  });
  return { exact, differences };
}

function itemsOf(estimate: () => readonly MemoryItem[]): readonly MemoryItem[] | "refused" {
  try {
    return estimate().filter(({ label }) => MTP_ITEM.test(label));
  } catch (error) {
    if (isInspectError(error, "unsupported-option")) return "refused";
    throw error;
  }
}

function sum(items: readonly MemoryItem[], component: MemoryItem["component"]): number {
  return items.filter((item) => item.component === component).reduce((total, { bytes }) => total + bytes, 0);
}
