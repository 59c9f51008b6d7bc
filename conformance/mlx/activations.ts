import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { plainModel } from "./compare.ts";
import { askedRows, readGolden } from "./golden.ts";

/** Bytes beyond the weights that were in memory at once: a prompt read in steps in float32, one token answered. */
export type Peak = {
  readonly modelType: string;
  readonly prompt: number;
  readonly step: number;
  readonly peak: number;
};

/** The same as weighin has it: `low` to `high` of cache and compute. */
export type ComparedPeak = Peak & { readonly low: number; readonly middle: number; readonly high: number };

export const PEAKS_PATH: string = fileURLToPath(new URL("golden/peaks.json", import.meta.url));

export type PeaksGolden = { readonly command: string; readonly backend: "cpu"; readonly peaks: readonly Peak[] };

export function readPeaks(): PeaksGolden {
  return JSON.parse(readFileSync(PEAKS_PATH, "utf8"));
}

export function peaksText(peaks: readonly Peak[]): string {
  const lines = peaks.map((peak) => `    ${JSON.stringify(peak)}`).join(",\n");
  const command = "npx tsx conformance/mlx/regenerate.ts";
  return `{\n  "command": ${JSON.stringify(command)},\n  "backend": "cpu",\n  "peaks": [\n${lines}\n  ]\n}\n`;
}

/** A measured peak beside weighin's range for it. */
export async function comparePeak(peak: Peak): Promise<ComparedPeak> {
  const row = askedRows(readGolden()).find(({ modelType }) => modelType === peak.modelType);
  if (row === undefined) throw new Error(`mlx-lm was not asked of ${peak.modelType}`);
  const devices = [{ name: "CPU", kind: "cpu" }] as const;
  const workload = { devices, contextTokens: peak.prompt + 1, promptTokens: peak.prompt, prefillStepSize: peak.step };
  const { totals } = estimateMemory(await plainModel(row, "float32"), { runtime: "mlx", ...workload });
  const [low, middle, high] = [totals.low, totals.total ?? 0, totals.high ?? 0].map((bytes) => bytes - totals.weights);
  return { ...peak, low: low ?? 0, middle: middle ?? 0, high: high ?? 0 };
}
