import { writeFileSync } from "node:fs";
import { engineVersion } from "../engine.ts";
import { goldenPath, goldenText } from "../golden.ts";
import { askWholeModels } from "./ask.ts";

/** Writes what the engine says of whole models anew. */
export async function writeWholeModels(): Promise<void> {
  const rows = await askWholeModels();
  const engine = { name: "llama.cpp" as const, ...engineVersion() };
  const command = "npx tsx conformance/llama-cpp/regenerate.ts";
  writeFileSync(goldenPath("whole-models"), goldenText({ engine, command, rows }));
  console.log(`whole-models: ${rows.length} rows`);
}
