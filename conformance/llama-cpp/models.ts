import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fixtureExpectations } from "../../fixtures/fixtures.ts";
import { FIXTURE_FILES, sharedFolder } from "../paths.ts";

/** A model to ask about: its name in the golden file, and where it lies. */
export type AskedModel = { readonly name: string; readonly path: string };

/** Every GGUF fixture but the big-endian one, which llama.cpp loads on big-endian machines only. */
export function fixtureModels(): readonly AskedModel[] {
  return fixtureExpectations
    .filter(({ format, path }) => format === "gguf" && !path.includes("big-endian"))
    .map(({ path }) => ({ name: path, path: join(FIXTURE_FILES, path) }));
}

/**
 * Models of published shape and size with a hole for data, written on demand by the generator in the shared folder;
 * undefined where there is none.
 */
export function publishedShapes(): readonly AskedModel[] | undefined {
  const shared = sharedFolder();
  if (shared === undefined) return undefined;
  const generator = join(shared, "oracle/make-model.mjs");
  if (!existsSync(generator)) return undefined;
  const directory = fileURLToPath(new URL("work/models/", import.meta.url));
  mkdirSync(directory, { recursive: true });
  const names = execFileSync("node", [generator, "--list"], { encoding: "utf8" }).trim().split("\n");
  return names.map((name) => {
    const path = join(directory, `${name}.gguf`);
    if (!existsSync(path)) execFileSync("node", [generator, name, path, "--type", "f16"], { stdio: "ignore" });
    return { name, path };
  });
}
