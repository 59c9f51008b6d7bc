import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { ROOT } from "../paths.ts";
import { askEngine, missingEngine } from "./engine.ts";
import { GOLDEN_NAMES, goldenPath } from "./golden.ts";
import { LORA_TARGETS_PATH, loraTargetsText } from "./lora-targets.ts";
import { PROVEN_PATH, provenText } from "./proven.ts";

/** Writes the golden files anew, those named or all, and what of `src/` follows from them and from peft. */
const named = process.argv.slice(2);
for (const name of GOLDEN_NAMES.filter((each) => named.length === 0 || named.includes(each))) {
  const missing = missingEngine(name);
  if (missing === undefined) writeFileSync(goldenPath(name), askEngine(name));
  console.log(`${name}: ${missing === undefined ? "written" : `left as it is, ${missing}`}`);
}
if (missingEngine("states") === undefined) writeFileSync(LORA_TARGETS_PATH, loraTargetsText());
writeFileSync(PROVEN_PATH, await provenText());
execFileSync("npx", ["biome", "check", "--write", LORA_TARGETS_PATH, PROVEN_PATH], { cwd: ROOT, stdio: "inherit" });
