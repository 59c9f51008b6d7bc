import { writeFileSync } from "node:fs";
import { runPython } from "../python.ts";
import { goldenPath, goldenText, TOOLS } from "./golden.ts";

const COMMAND = "npx tsx conformance/packed/regenerate.ts";

/** Writes the golden files anew, of the tools named or of all. Needs the packages of `requirements.txt`. */
const named = process.argv.slice(2);
for (const tool of TOOLS) {
  if (named.length > 0 && !named.includes(tool)) continue;
  const answer = JSON.parse(runPython("packed/ask.py", [tool]));
  writeFileSync(goldenPath(tool), goldenText({ versions: answer.versions, command: COMMAND, cases: answer.cases }));
  console.log(`${tool}: ${answer.cases.length} cases`);
}
