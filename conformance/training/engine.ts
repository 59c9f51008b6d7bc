import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../paths.ts";
import { missingModules, runPython } from "../python.ts";
import { type GoldenName, goldenText } from "./golden.ts";

const DEEPSPEED = "deepspeed-0.19.8.tar.gz";
const ARCHIVE: string = join(ROOT, "conformance/.venv", DEEPSPEED);

const MODULES = ["torch", "transformers", "peft", "bitsandbytes"];

/** Why a golden file cannot be asked for here, or undefined when it can. */
export function missingEngine(name: GoldenName): string | undefined {
  const missing = missingModules(MODULES, "training/requirements.txt");
  if (missing !== undefined || name !== "sharding" || existsSync(ARCHIVE)) return missing;
  return `no conformance/.venv/${DEEPSPEED}; to fetch it: conformance/.venv/bin/pip download --no-deps --no-binary :all: --dest conformance/.venv deepspeed==0.19.8`;
}

const PROGRAMS: { readonly [name in GoldenName]: readonly [script: string, options: readonly string[]] } = {
  states: ["training/ask_states.py", []],
  peaks: ["training/ask_peaks.py", []],
  sharding: ["training/ask_sharding.py", [ARCHIVE]],
};

/** Asks again for one golden file: its text. `states` and `peaks` take several minutes each. */
export function askEngine(name: GoldenName): string {
  const [script, options] = PROGRAMS[name];
  return goldenText(runPython(script, options));
}
