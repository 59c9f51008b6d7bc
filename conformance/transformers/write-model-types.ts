import { writeFileSync } from "node:fs";
import { runPython } from "../python.ts";
import { MODEL_TYPES_PATH, type ModelTypeRow, type RefusedRow, readModelTypes } from "./model-types.ts";

/**
 * Writes `golden/model-types.json` anew from what transformers answers: about two minutes. One model_type a line. Given
 * some of them, asks for these alone and keeps the rows of the others.
 */
const named = process.argv.slice(2);
const [first = "", ...lines] = runPython("transformers/model_types.py", named).trim().split("\n");
const { versions }: { readonly versions: unknown } = JSON.parse(first);
const kept = named.length === 0 ? [] : readModelTypes().rows.filter((row) => !named.includes(row.modelType));
const rows: (ModelTypeRow | RefusedRow)[] = [...kept, ...lines.map((line) => JSON.parse(line))].sort((a, b) =>
  a.modelType < b.modelType ? -1 : 1,
);
const command = "npx tsx conformance/transformers/write-model-types.ts";
const text = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
writeFileSync(
  MODEL_TYPES_PATH,
  `{\n  "versions": ${JSON.stringify(versions)},\n  "command": "${command}",\n  "rows": [\n${text}\n  ]\n}\n`,
);
console.log(`${rows.length} model types, ${rows.filter((row) => "refused" in row).length} refused`);
