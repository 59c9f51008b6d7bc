import { askEngineOfKeys, type EngineAnswer } from "../engine.ts";
import type { ArchitectureRow } from "../golden.ts";
import { ARCHITECTURE_WORKLOADS } from "../workloads.ts";
import { ARCHITECTURE_CASES } from "./cases.ts";
import type { ArchitectureCase } from "./groups.ts";
import { writeKeys } from "./keys.ts";
import { WRITTEN_TENSORS } from "./tensors.ts";

/** What the engine says of one case, for every workload. */
export function askCase(asked: ArchitectureCase): ArchitectureRow {
  const target = ARCHITECTURE_CASES.find(({ architecture }) => architecture === asked.draftsFor);
  const tensors = WRITTEN_TENSORS.get(asked.architecture);
  const files = {
    model: writeKeys(asked.architecture, asked.keys, tensors),
    whole: tensors !== undefined,
    other: target && writeKeys(target.architecture, target.keys),
  };
  const answers = ARCHITECTURE_WORKLOADS.map((workload) => askEngineOfKeys(files, workload));
  return { ...asked, contextBytes: answers.map(bytesOrReason) };
}

/** Cache bytes, or why there are none; null where the engine broke off. */
export function bytesOrReason(answer: EngineAnswer | undefined): number | string | null {
  if (answer === undefined) return null;
  return "refused" in answer ? answer.refused : answer.contextBytes;
}
