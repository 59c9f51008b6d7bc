/**
 * Takes each check of the list out of the code, one at a time, and runs its tests: they must fail. A check whose loss nothing
 * notices makes the exit code 1.
 *
 *   npm run mutants
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MUTANTS } from "./mutants.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");

function passes(mutant: number, tests: readonly string[]): boolean {
  const args = [VITEST, "run", "--config", join(ROOT, "test/mutants/vitest.config.ts"), ...tests];
  const env = { ...process.env, WEIGHIN_MUTANT: String(mutant) };
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: "ignore", env }).status === 0;
}

const NONE = -1;
if (!passes(NONE, [...new Set(MUTANTS.flatMap(({ tests }) => tests))])) {
  throw new Error("the tests fail with every check in place, so they can notice nothing");
}
let unnoticed = 0;
for (const [index, { without, file, from, tests }] of MUTANTS.entries()) {
  if (readFileSync(join(ROOT, file), "utf8").split(from).length !== 2) {
    throw new Error(`${file} does not hold this once, so nothing would be taken out: ${from}`);
  }
  const survived = passes(index, tests);
  if (survived) unnoticed += 1;
  console.log(`${survived ? "UNNOTICED" : "noticed  "} without ${without} (${file})`);
}
console.log(`${MUTANTS.length - unnoticed} of ${MUTANTS.length} noticed`);
if (unnoticed > 0) process.exitCode = 1;
