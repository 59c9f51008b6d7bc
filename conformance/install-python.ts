import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./paths.ts";
import { type Environment, folderOf } from "./python.ts";

/** Which environment the requirements of each folder go to; all others share one. */
const OWN: ReadonlyMap<string, Environment> = new Map([
  ["vllm", ".venv-vllm"],
  ["mlx", ".venv-mlx"],
]);

/** Requirements that list everything, down to the last: pip is not to look for what they depend on. */
const COMPLETE: ReadonlySet<string> = new Set(["vllm"]);

/** Makes the environment of each requirements file named (`vllm/requirements.txt`) and installs what it pins. */
for (const requirements of process.argv.slice(2)) {
  const engine = requirements.split("/", 1).join();
  const folder = folderOf(OWN.get(engine) ?? ".venv");
  const alone = COMPLETE.has(engine) ? ["--no-deps"] : [];
  const run = (command: string, ...options: string[]) => execFileSync(command, options, { stdio: "inherit" });
  if (!existsSync(folder)) run("python3", "-m", "venv", folder);
  run(join(folder, "bin/pip"), "install", "--quiet", ...alone, "-r", join(ROOT, "conformance", requirements));
}
