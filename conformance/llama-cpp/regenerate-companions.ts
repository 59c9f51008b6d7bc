import { writeFileSync } from "node:fs";
import { engineVersion, missingTool } from "./engine.ts";
import { type CompanionGoldenName, goldenPath, goldenText } from "./golden.ts";
import { askMtpCase, MTP_CASES } from "./mtp/cases.ts";
import { askProjectors, prepareProjectors } from "./projectors/engine.ts";

/** Writes anew what llama.cpp says of projectors and of contexts over MTP blocks. */
const missing = missingTool();
if (missing !== undefined) throw new Error(`cannot build llama.cpp here: ${missing}`);
prepareProjectors();
write("projectors", askProjectors());
write("mtp", MTP_CASES.map(askMtpCase));

function write(name: CompanionGoldenName, rows: readonly object[]): void {
  const engine = { name: "llama.cpp" as const, ...engineVersion() };
  const command = "npx tsx conformance/llama-cpp/regenerate-companions.ts";
  writeFileSync(goldenPath(name), goldenText({ engine, command, rows }));
  console.log(`${name}: ${rows.length} rows`);
}
