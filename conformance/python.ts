import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.ts";

/**
 * Folder of a virtual environment under `conformance/`: engines that pin different releases of torch have one each.
 * `npx tsx conformance/install-python.ts <folder of requirements>` makes one and puts the pinned packages there.
 */
export type Environment = ".venv" | ".venv-vllm" | ".venv-mlx";

const OUTPUT_BYTES = 1024 * 1024 * 1024;

export function folderOf(environment: Environment): string {
  return join(ROOT, "conformance", environment);
}

function pythonOf(environment: Environment): string {
  return join(folderOf(environment), "bin/python");
}

/** Why a Python part cannot run, with the command that makes it run; undefined when all `modules` are there. */
export function missingModules(
  modules: readonly string[],
  requirements: string,
  environment: Environment = ".venv",
): string | undefined {
  const install = `npx tsx conformance/install-python.ts ${requirements}`;
  if (!existsSync(pythonOf(environment))) return `no conformance/${environment}; to make it: ${install}`;
  const script = "import importlib.util, sys; print(*[m for m in sys.argv[1:] if importlib.util.find_spec(m) is None])";
  const missing = execFileSync(pythonOf(environment), ["-c", script, ...modules], { encoding: "utf8" }).trim();
  return missing === "" ? undefined : `conformance/${environment} lacks ${missing}; to add: ${install}`;
}

/** How a program of ours is run. */
export type PythonRun = {
  /** Standard input. */
  readonly input?: string;
  readonly environment?: Environment;
  /** A folder of packages to prefer, in the environment. */
  readonly packages?: string | undefined;
};

/** Standard output of one of our Python programs. */
export function runPython(
  script: string,
  options: readonly string[],
  { input = "", environment = ".venv", packages }: PythonRun = {},
): string {
  return execFileSync(pythonOf(environment), [join(ROOT, "conformance", script), ...options], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, PYTHONPATH: packages === undefined ? "" : join(folderOf(environment), packages) },
    input,
    maxBuffer: OUTPUT_BYTES,
    stdio: ["pipe", "pipe", "inherit"],
  });
}

/** True when a folder of packages is there, in the environment of transformers. */
export function hasPackages(folder: string): boolean {
  return existsSync(join(folderOf(".venv"), folder));
}
