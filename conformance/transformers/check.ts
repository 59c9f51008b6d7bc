import { join } from "node:path";
import { inspectModel } from "../../src/inspect.ts";
import { type PartResult, verdict } from "../part.ts";
import { FIXTURE_FILES } from "../paths.ts";
import { compareModel } from "./compare.ts";
import { askEngine, missingEngine, VERSIONS, type Version } from "./engine.ts";
import { goldenText, readGolden } from "./golden.ts";

/** Asks transformers again, everything, and holds the answers against the committed golden numbers. */
export function checkGoldenNumbers(version: Version): PartResult {
  const name = `transformers ${version} gives the golden numbers`;
  const missing = missingEngine(version);
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  const [golden = [], now = []] = [readGolden(version), askEngine(version)].map((answer) =>
    goldenText(answer).split("\n"),
  );
  const lines = Array.from({ length: Math.max(golden.length, now.length) }, (_, index) => index);
  const differences = lines
    .filter((index) => golden[index] !== now[index])
    .map((index) => `golden ${golden[index]?.trim()}, now ${now[index]?.trim()}`);
  return verdict(name, `${golden.length} lines`, differences);
}

/** Holds weighin's weights and cache against the golden numbers of every release asked. */
export async function checkEstimates(): Promise<PartResult> {
  const differences: string[] = [];
  const refused: string[] = [];
  let [models, caches] = [0, 0];
  for (const version of VERSIONS) {
    for (const row of readGolden(version).models) {
      const model = await inspectModel(join(FIXTURE_FILES, "safetensors", row.model));
      differences.push(...compareModel(model, row, version));
      models += 1;
      if ("refused" in row) refused.push(`${row.model} in ${row.dtype} by ${version}`);
      else caches += row.caches.length;
    }
  }
  const refusals = refused.length === 0 ? "" : `; refused by transformers itself: ${refused.join(", ")}`;
  const summary = `${models} models, ${caches} caches${refusals}`;
  return verdict("weighin against transformers: weights and cache", summary, differences);
}
