import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.ts";

const VENV = join(ROOT, "conformance/.venv");
const PYTHON = join(VENV, "bin/python");
const OUTPUT_BYTES = 1024 * 1024 * 1024;

/** Why a Python part cannot run, with the command that makes it run; undefined when all `modules` are there. */
export function missingModules(modules: readonly string[], requirements: string): string | undefined {
  const install = `python3 -m venv conformance/.venv && conformance/.venv/bin/pip install -r conformance/${requirements}`;
  if (!existsSync(PYTHON)) return `no conformance/.venv; to make it: ${install}`;
  const script = "import importlib.util, sys; print(*[m for m in sys.argv[1:] if importlib.util.find_spec(m) is None])";
  const missing = execFileSync(PYTHON, ["-c", script, ...modules], { encoding: "utf8" }).trim();
  return missing === "" ? undefined : `conformance/.venv lacks ${missing}; to add: ${install}`;
}

/** Standard output of one of our Python programs. `packages`: a folder of packages to prefer, under `.venv`. */
export function runPython(script: string, options: readonly string[], input = "", packages = ""): string {
  return execFileSync(PYTHON, [join(ROOT, "conformance", script), ...options], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, PYTHONPATH: packages === "" ? "" : join(VENV, packages) },
    input,
    maxBuffer: OUTPUT_BYTES,
    stdio: ["pipe", "pipe", "inherit"],
  });
}

/** True when a folder of packages is there, under `.venv`. */
export function hasPackages(folder: string): boolean {
  return existsSync(join(VENV, folder));
}
