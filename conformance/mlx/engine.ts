import { missingModules, runPython } from "../python.ts";
import type { Peak } from "./activations.ts";
import type { FixtureRow } from "./fixtures.ts";
import { folded, type MlxGolden, type MlxRow, type RefusedRow } from "./golden.ts";

/** Why mlx-lm cannot be asked here, or undefined when it can. */
export function missingEngine(): string | undefined {
  return missingModules(["mlx", "mlx_lm"], "mlx/requirements.txt", ".venv-mlx");
}

/** Asks mlx-lm of every model_type, each in a process of its own: about twenty minutes. Given some of them, of these alone. */
export function askEngine(named: readonly string[] = []): MlxGolden {
  const { modelTypes, ...facts }: Listing = JSON.parse(ask([]));
  const rows = (named.length === 0 ? modelTypes : named).map((modelType): MlxRow | RefusedRow => {
    const row = folded(JSON.parse(ask([modelType])));
    console.error(`${modelType}: ${"refused" in row ? row.refused : `${row.caches.length} caches`}`);
    return row;
  });
  return { ...facts, command: "npx tsx conformance/mlx/regenerate.ts", rows };
}

type Listing = Pick<MlxGolden, "versions" | "workloads"> & { readonly modelTypes: readonly string[] };

function ask(modelTypes: readonly string[]): string {
  return runPython("mlx/ask.py", modelTypes, { environment: ".venv-mlx" });
}

/** Loads every safetensors fixture. */
export function loadFixtures(): readonly FixtureRow[] {
  return linesOf(ask(["--folder", "fixtures/files/safetensors"]));
}

/** Measures the peaks of memory while prompts are read: a minute. */
export function measurePeaks(): readonly Peak[] {
  return linesOf(runPython("mlx/activations.py", [], { environment: ".venv-mlx" }));
}

function linesOf<Line>(output: string): Line[] {
  return output
    .trim()
    .split("\n")
    .map((line): Line => JSON.parse(line));
}
