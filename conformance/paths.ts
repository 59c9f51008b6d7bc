import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository. */
export const ROOT: string = fileURLToPath(new URL("..", import.meta.url));

export const FIXTURE_FILES: string = join(ROOT, "fixtures/files");

/** Folder of real configs and models, and of the generator of published shapes; undefined where it is not there. */
export function sharedFolder(): string | undefined {
  const path = resolve(ROOT, process.env["WEIGHIN_SHARED"] ?? "../shared");
  return existsSync(path) ? path : undefined;
}
