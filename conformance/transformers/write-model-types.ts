import { writeFileSync } from "node:fs";
import { runPython } from "../python.ts";
import { MODEL_TYPES_PATH, type ModelTypeRow, type RefusedRow } from "./model-types.ts";

/** Writes `golden/model-types.json` anew from what transformers answers: about two minutes. One model_type a line. */
const [first = "", ...lines] = runPython("transformers/model_types.py", []).trim().split("\n");
const { versions }: { readonly versions: unknown } = JSON.parse(first);
const rows: (ModelTypeRow | RefusedRow)[] = lines
  .map((line) => JSON.parse(line))
  .sort((a: ModelTypeRow, b: ModelTypeRow) => (a.modelType < b.modelType ? -1 : 1));
const command = "npx tsx conformance/transformers/write-model-types.ts";
const text = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
writeFileSync(
  MODEL_TYPES_PATH,
  `{\n  "versions": ${JSON.stringify(versions)},\n  "command": "${command}",\n  "rows": [\n${text}\n  ]\n}\n`,
);
console.log(`${rows.length} model types, ${rows.filter((row) => "refused" in row).length} refused`);
