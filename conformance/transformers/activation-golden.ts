import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runPython } from "../python.ts";

/**
 * One run: dtype, attention, sequences, prompt tokens; then after the first token and after the third the peak of live
 * tensors until then, and what the cache's tensors and their storages hold; beams, and the length of a static cache.
 */
export type ActivationRun = readonly [
  "bfloat16" | "float32",
  "sdpa" | "eager",
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number?,
  number?,
];

export type ActivationRow = {
  readonly modelType: string;
  readonly variant: string;
  readonly config: { readonly [key: string]: unknown };
  readonly runs: readonly ActivationRun[];
};

export type ActivationGolden = {
  readonly versions: { readonly python: string; readonly torch: string; readonly transformers: string };
  /** What writes this file. */
  readonly command: string;
  readonly rows: readonly ActivationRow[];
};

export const ACTIVATIONS_PATH: string = fileURLToPath(new URL("golden/activations.json", import.meta.url));

export function readActivations(): ActivationGolden {
  return JSON.parse(readFileSync(ACTIVATIONS_PATH, "utf8"));
}

/** Runs every model again: about three minutes. */
export function askActivations(): ActivationGolden {
  const [first = "", ...lines] = runPython("transformers/activations.py", []).trim().split("\n");
  const { versions }: Pick<ActivationGolden, "versions"> = JSON.parse(first);
  const command = "npx tsx conformance/transformers/write-activations.ts";
  return { versions, command, rows: lines.map((line) => JSON.parse(line)) };
}

/** One model a line. */
export function activationText({ versions, command, rows }: ActivationGolden): string {
  const text = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  return `{\n  "versions": ${JSON.stringify(versions)},\n  "command": "${command}",\n  "rows": [\n${text}\n  ]\n}\n`;
}
