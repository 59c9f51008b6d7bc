import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type Versions = {
  readonly python: string;
  readonly torch: string;
  readonly transformers: string;
  readonly peft: string;
  readonly bitsandbytes: string;
};

export type OptimizerName = "adamw" | "adamw-8bit" | "sgd" | "sgd-momentum" | "adafactor";

/** Bytes after one step of the tiny model of one model_type. */
type FullRow = {
  readonly parameters: number;
  /** Tensors that have a gradient. */
  readonly tensors: number;
  readonly gradients: number;
  readonly optimizers: { readonly [name in OptimizerName]: number };
};

/** What peft adds, or why it refused. */
type LoraRow =
  | { readonly parameters: number; readonly tensors: number; readonly bytes: number }
  | { readonly refused: string };

export type StateRow = {
  readonly modelType: string;
  readonly full: { readonly float32: FullRow; readonly bfloat16: FullRow };
  readonly lora: { readonly [targets: string]: LoraRow };
};

export type RefusedRow = { readonly modelType: string; readonly refused: string };

/** A golden file: one row a line. */
export type Golden<Row> = { readonly versions: Versions; readonly command: string; readonly rows: readonly Row[] };

export type GoldenName = "states" | "peaks";

export function goldenPath(name: GoldenName): string {
  return fileURLToPath(new URL(`golden/${name}.json`, import.meta.url));
}

function readGolden<Row>(name: GoldenName): Golden<Row> {
  return JSON.parse(readFileSync(goldenPath(name), "utf8"));
}

export function readStates(): Golden<StateRow | RefusedRow> {
  return readGolden("states");
}

const COMMAND = "npx tsx conformance/training/regenerate.ts";

/** The text of a golden file from what a program printed: the versions, then one row a line. */
export function goldenText(output: string): string {
  const [versions = "", ...rows] = output.trim().split("\n");
  const list = rows.map((row) => `    ${row}`).join(",\n");
  return `{\n  "versions": ${versions},\n  "command": "${COMMAND}",\n  "rows": [\n${list}\n  ]\n}\n`;
}
