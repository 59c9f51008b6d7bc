import { type PartResult, verdict } from "../part.ts";
import { compareRow } from "./compare.ts";
import { askEngine, missingEngine } from "./engine.ts";
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
  const summary = `${compared - differences.length}/${compared} exact, of ${rows.length} model types`;
  return verdict("weighin against mlx-lm: weights and cache", summary, differences);
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
