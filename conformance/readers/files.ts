import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FIXTURE_FILES, sharedFolder } from "../paths.ts";

/** Where `fetch.ts` puts the models that PyPI packages carry. */
export const REAL_MODELS: string = fileURLToPath(new URL("work/models", import.meta.url));

/** Every weight file there is to read here, and what was left out and why. */
export function weightFiles(): { readonly files: readonly string[]; readonly skipped: readonly string[] } {
  const skipped: string[] = [];
  const folders = [FIXTURE_FILES];
  if (existsSync(REAL_MODELS)) folders.push(REAL_MODELS);
  else skipped.push("real models from PyPI (to fetch them: npx tsx conformance/readers/fetch.ts)");
  const shared = sharedFolder();
  if (shared === undefined) skipped.push("real files of WEIGHIN_SHARED (not there)");
  else folders.push(join(shared, "data/files"));
  return { files: folders.flatMap(weightFilesUnder), skipped };
}

function weightFilesUnder(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(gguf|safetensors)$/.test(path))
    .sort()
    .map((path) => join(folder, path));
}
