import { type PartResult, verdict } from "../part.ts";
import { comparePeak, readPeaks } from "./activations.ts";
import { compareRow } from "./compare.ts";
import { askEngine, missingEngine } from "./engine.ts";
import { fixtureWeights, loadedFixtures } from "./fixtures.ts";
import { askedRows, goldenText, readGolden } from "./golden.ts";

/** Holds weighin's weights and caches against those of mlx-lm, for every model_type asked. */
export async function checkEstimates(): Promise<PartResult> {
  const golden = readGolden();
  const rows = askedRows(golden);
  const differences: string[] = [];
  let compared = 0;
  for (const row of rows) {
    const comparison = await compareRow(row, golden.workloads);
    compared += comparison.compared;
    differences.push(...comparison.differences);
  }
  for (const { model, held } of loadedFixtures()) {
    const weights = await fixtureWeights(model);
    compared += 1;
    if (weights !== held) differences.push(`${model}: weights ${weights}, mlx-lm ${held}`);
  }
  const summary = `${compared - differences.length}/${compared} exact, of ${rows.length} model types and the fixtures`;
  return verdict("weighin against mlx-lm: weights and cache", summary, differences);
}

/** Holds the range of activations against the peaks that were measured on the CPU backend. */
export async function checkPeaks(): Promise<PartResult> {
  const compared = await Promise.all(readPeaks().peaks.map(comparePeak));
  const outside = compared.filter(({ peak, low, high }) => peak < low || peak > high);
  const ratios = compared.map(({ peak, middle }) => middle / peak);
  const summary = `${compared.length} peaks, weighin ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)} of them`;
  const differences = outside.map(
    ({ modelType, prompt, step, peak, low, high }) =>
      `${modelType} ${prompt}/${step}: ${peak}, not in ${low} to ${high}`,
  );
  return verdict("weighin's range of activations holds mlx-lm's peaks", summary, differences);
}

/** Asks mlx-lm again, everything, and holds the answers against the committed golden numbers. */
export function checkGoldenNumbers(): PartResult {
  const name = "mlx-lm gives the golden numbers";
  const missing = missingEngine();
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  const [golden = [], now = []] = [readGolden(), askEngine()].map((answer) => goldenText(answer).split("\n"));
  const differences = golden.filter((line) => !now.includes(line)).map((line) => `no longer: ${line.slice(0, 120)}`);
  return verdict(name, `${golden.length} lines`, differences);
}
