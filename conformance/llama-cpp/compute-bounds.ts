import { inspectModel } from "../../src/inspect.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { type PartResult, verdict } from "../part.ts";
import { ARCHITECTURE_CASES } from "./architectures/cases.ts";
import { writeKeys } from "./architectures/keys.ts";
import { WRITTEN_TENSORS } from "./architectures/tensors.ts";
import { askEngineOfKeys, missingTool, prepareEngine } from "./engine.ts";
import type { AskedWorkload } from "./workloads.ts";

const WORKLOADS: readonly AskedWorkload[] = [{ contextTokens: 4096 }, { contextTokens: 4096, flashAttention: "off" }];

/** Asks the engine what it reserves for every architecture, and holds it against the bounds, where there are any. */
export async function checkComputeBounds(): Promise<PartResult> {
  const name = "bounds of the compute buffers of every architecture";
  const missing = missingTool();
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  prepareEngine();
  const differences: string[] = [];
  let held = 0;
  let withoutBounds = 0;
  for (const { architecture, title, keys } of ARCHITECTURE_CASES) {
    const tensors = WRITTEN_TENSORS.get(architecture);
    const file = writeKeys(architecture, keys, tensors);
    const model = await inspectModel(new Blob([new Uint8Array(file)]));
    for (const workload of WORKLOADS) {
      const answer = askEngineOfKeys({ model: file, whole: tensors !== undefined, other: undefined }, workload);
      // Drafts need their target beside them; what the engine refuses or breaks off at has no buffer.
      if (answer === undefined || "refused" in answer) continue;
      const bounds = boundsOf(model, workload);
      if (bounds === undefined) withoutBounds += 1;
      else if (bounds.low <= answer.computeBytes && answer.computeBytes <= bounds.high) held += 1;
      else
        differences.push(
          `${architecture} ${title} ${JSON.stringify(workload)}: engine ${answer.computeBytes}, ${bounds.low} to ${bounds.high}`,
        );
    }
  }
  const total = held + differences.length;
  return verdict(name, `${held}/${total} inside; ${withoutBounds} settings get no figure`, differences);
}

function boundsOf(
  model: Awaited<ReturnType<typeof inspectModel>>,
  workload: AskedWorkload,
): { readonly low: number; readonly high: number } | undefined {
  const memory = estimateMemory(model, { runtime: "llama.cpp", ...workload });
  if (memory.totals.compute === null) return undefined;
  const items = memory.items.filter(({ component }) => component === "compute");
  return {
    low: items.reduce((sum, item) => sum + (item.low ?? item.bytes), 0),
    high: items.reduce((sum, item) => sum + (item.high ?? item.bytes), 0),
  };
}
