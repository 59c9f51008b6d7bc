import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspectModel } from "../../src/inspect.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { FIXTURE_FILES } from "../paths.ts";

/** Bytes of the arrays that `load_model` made of a directory under `fixtures/files/safetensors/`, or what it broke off with. */
export type FixtureRow = { readonly model: string; readonly held: number | string };

export const FIXTURES_PATH: string = fileURLToPath(new URL("golden/fixtures.json", import.meta.url));

/** Those that mlx-lm loaded: some of the tiny configurations leave out what its classes want. */
export function loadedFixtures(): readonly { readonly model: string; readonly held: number }[] {
  const rows: readonly FixtureRow[] = JSON.parse(readFileSync(FIXTURES_PATH, "utf8"));
  return rows.flatMap(({ model, held }) => (typeof held === "number" ? [{ model, held }] : []));
}

/** Bytes that weighin has for the weights of a fixture. */
export async function fixtureWeights(name: string): Promise<number> {
  const model = await inspectModel(join(FIXTURE_FILES, "safetensors", name));
  return estimateMemory(model, { runtime: "mlx", contextTokens: 1 }).totals.weights;
}
