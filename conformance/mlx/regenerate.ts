import { writeFileSync } from "node:fs";
import { PEAKS_PATH, peaksText } from "./activations.ts";
import { askEngine, loadFixtures, measurePeaks } from "./engine.ts";
import { FIXTURES_PATH } from "./fixtures.ts";
import { askedRows, GOLDEN_PATH, goldenText, readGolden } from "./golden.ts";

/** Writes `golden/` anew. Given model types, asks for these alone and keeps the rows of the others. */
const named = process.argv.slice(2);
const answer = askEngine(named);
const kept = named.length === 0 ? [] : readGolden().rows.filter((row) => !named.includes(row.modelType));
const rows = [...kept, ...answer.rows].sort((a, b) => (a.modelType < b.modelType ? -1 : 1));
writeFileSync(GOLDEN_PATH, goldenText({ ...answer, rows }));
console.log(`${rows.length} model types, ${rows.length - askedRows({ ...answer, rows }).length} refused`);
if (named.length === 0) {
  writeFileSync(PEAKS_PATH, peaksText(measurePeaks()));
  writeFileSync(
    FIXTURES_PATH,
    `[\n${loadFixtures()
      .map((row) => `  ${JSON.stringify(row)}`)
      .join(",\n")}\n]\n`,
  );
}
