import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ArchitectureCase } from "./architectures/groups.ts";
import type { EngineAnswer } from "./engine.ts";
import type { AskedWorkload } from "./workloads.ts";

/** One question and its answer. `model` is a path under `fixtures/files/`, or the name of a published shape. */
export type GoldenRow = { readonly model: string; readonly workload: AskedWorkload } & EngineAnswer;

type GoldenFile<Row> = {
  readonly engine: {
    readonly name: "llama.cpp";
    readonly version: string;
    readonly commit: string;
    readonly carrier: string;
  };
  /** What writes this file. */
  readonly command: string;
  readonly rows: readonly Row[];
};

export type Golden = GoldenFile<GoldenRow>;

/**
 * One architecture, by a set of its keys: cache bytes for each of `ARCHITECTURE_WORKLOADS`, or the reason not to; null
 * where the engine breaks off on an assertion of its own.
 */
export type ArchitectureRow = ArchitectureCase & { readonly contextBytes: readonly (number | string | null)[] };

export type ArchitectureGolden = GoldenFile<ArchitectureRow>;

/** The two golden files: fixtures of this repository, and full-size shapes whose generator is not in it. */
export type GoldenName = "fixtures" | "published-shapes";

export function goldenPath(name: GoldenName | "architectures"): string {
  return fileURLToPath(new URL(`golden/${name}.json`, import.meta.url));
}

/** Reads a committed golden file. */
export function readGolden(name: GoldenName): Golden {
  return JSON.parse(readFileSync(goldenPath(name), "utf8"));
}

/** Reads what the engine said of every architecture. */
export function readArchitectures(): ArchitectureGolden {
  return JSON.parse(readFileSync(goldenPath("architectures"), "utf8"));
}

/** One row a line, so that a change shows as the lines it changes. */
export function goldenText(golden: GoldenFile<object>): string {
  const rows = golden.rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  const head = `  "engine": ${JSON.stringify(golden.engine)},\n  "command": ${JSON.stringify(golden.command)},`;
  return `{\n${head}\n  "rows": [\n${rows}\n  ]\n}\n`;
}
