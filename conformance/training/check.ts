import { readFileSync } from "node:fs";
import { PROVEN_FULL, PROVEN_LORA, PROVEN_NF4 } from "../../src/runtimes/training/proven.ts";
import { type PartResult, verdict } from "../part.ts";
import { modelOfRow } from "../transformers/model-types.ts";
import { comparePeaks, fault } from "./compare-peaks.ts";
import { compareSharding } from "./compare-sharding.ts";
import { compareFull, compareLora, compareNf4 } from "./compare-states.ts";
import { askEngine, missingEngine } from "./engine.ts";
import { type GoldenName, goldenPath, readPeaks, readSharding } from "./golden.ts";
import { askedStates } from "./states-rows.ts";

const COMPARED = [
  { words: "gradients and optimizer states", compare: compareFull, proven: PROVEN_FULL },
  { words: "adapters", compare: compareLora, proven: PROVEN_LORA },
  { words: "NF4 weights", compare: compareNf4, proven: PROVEN_NF4 },
];

/** Holds gradients, optimizer states, adapters and packed weights against the golden numbers: to the byte where called exact. */
export async function checkStates(): Promise<PartResult> {
  const counts = COMPARED.map(() => ({ exact: 0, asked: 0 }));
  const differences: string[] = [];
  for (const { state, type } of askedStates()) {
    const model = await modelOfRow(type);
    for (const [index, { compare, proven }] of COMPARED.entries()) {
      const [found, count] = [compare(model, state), counts[index]];
      if (found === null || count === undefined) continue;
      count.asked += 1;
      if (found.length === 0) count.exact += 1;
      if (proven.has(state.modelType)) differences.push(...found.map((line) => `${state.modelType}: ${line}`));
    }
  }
  const summary = COMPARED.map(({ words }, index) => `${words} ${counts[index]?.exact}/${counts[index]?.asked} exact`);
  return verdict(
    "weighin against PyTorch: states of training",
    `${summary.join(", ")}; the others called derived`,
    differences,
  );
}

/** Holds what a step takes at most against runs: within 5 % for dense families that were read, within the range for others. */
export async function checkPeaks(): Promise<PartResult> {
  const compared = (await Promise.all(readPeaks().rows.map(comparePeaks))).flat();
  const dense = compared.filter((each) => each.dense);
  const worst = Math.max(...dense.map(({ error }) => Math.abs(error)));
  const families = new Set(dense.map(({ modelType }) => modelType)).size;
  const summary = `${compared.length} runs; ${dense.length} of ${families} dense families at most ${(100 * worst).toFixed(2)} % off, the others within their ranges`;
  return verdict(
    "weighin against PyTorch: most bytes of a training step",
    summary,
    compared.flatMap((each) => fault(each) ?? []),
  );
}

/** Holds model states under ZeRO against DeepSpeed's own sums. */
export function checkSharding(): PartResult {
  const { rows } = readSharding();
  const differences = rows.flatMap((row) => compareSharding(row) ?? []);
  return verdict("weighin against DeepSpeed: ZeRO", `${rows.length} sums`, differences);
}

/** Asks everything of one golden file again. */
export function checkGoldenNumbers(name: GoldenName): PartResult {
  const title = `PyTorch gives the golden numbers of training: ${name}`;
  const missing = missingEngine(name);
  if (missing !== undefined) return { name: title, state: "skipped", summary: missing };
  const [golden, now] = [readFileSync(goldenPath(name), "utf8"), askEngine(name)].map((text) => text.split("\n"));
  const differences = (golden ?? []).flatMap((line, index) =>
    line === now?.[index] ? [] : [`golden ${line.slice(0, 300)}, now ${now?.[index]?.slice(0, 300)}`],
  );
  return verdict(title, `${golden?.length} lines`, differences);
}
