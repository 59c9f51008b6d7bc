import { ARCHITECTURE_CASES } from "../architectures/cases.ts";
import type { ArchitectureCase } from "../architectures/groups.ts";
import { writeKeys } from "../architectures/keys.ts";
import { type EngineAnswer, tryEngineOfKeys } from "../engine.ts";
import { ARCHITECTURE_WORKLOADS } from "../workloads.ts";

/** Every set of keys with blocks that predict further tokens, but drafts, whose target they need beside. */
export const MTP_CASES: readonly ArchitectureCase[] = ARCHITECTURE_CASES.filter(
  ({ keys, draftsFor }) => draftsFor === undefined && Number(keys["nextn_predict_layers"] ?? 0) > 0,
);

/** What the engine says of a context over the MTP blocks of one case, for each workload; null where it broke off. */
export type MtpRow = ArchitectureCase & { readonly answers: readonly (EngineAnswer | null)[] };

export function askMtpCase(asked: ArchitectureCase): MtpRow {
  const file = writeKeys(asked.architecture, asked.keys);
  const answers = ARCHITECTURE_WORKLOADS.map((workload) => tryEngineOfKeys(file, workload, ["--mtp-context"]) ?? null);
  return { ...asked, answers };
}
