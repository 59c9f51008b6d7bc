import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

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
  /** Bytes of weights in NF4 with what is kept beside them, its scales in float32 and packed again; or why not. */
  readonly nf4: { readonly plain: number; readonly double: number } | { readonly refused: string };
};

/** One run: method, precision, attention, checkpointing, sequences, tokens, and the most bytes alive during a step. */
export type Peak = readonly [
  "full" | "lora",
  "float32" | "bfloat16" | "bf16-mixed",
  "sdpa" | "eager",
  boolean,
  number,
  number,
  number,
];

export type PeakRow = {
  readonly modelType: string;
  readonly config: { readonly [key: string]: unknown };
  readonly tensors: { readonly [name: string]: string };
  readonly peaks: readonly Peak[];
};

/** What DeepSpeed's estimator gives for one GPU. */
export type ShardingRow = {
  readonly model: string;
  readonly parameters: number;
  readonly largest: number;
  readonly gpus: number;
  readonly stage: 2 | 3;
  readonly offload: "none" | "optimizer" | "all";
  readonly gpuBytes: number;
};

export type RefusedRow = { readonly modelType: string; readonly refused: string };

/** A golden file: one row a line. */
export type Golden<Row> = {
  readonly versions: { readonly [name: string]: string };
  readonly command: string;
  readonly rows: readonly Row[];
};

export const GOLDEN_NAMES = ["states", "peaks", "sharding"] as const;

export type GoldenName = (typeof GOLDEN_NAMES)[number];

export function goldenPath(name: GoldenName): string {
  return fileURLToPath(new URL(`golden/${name}.json`, import.meta.url));
}

function readGolden<Row>(name: GoldenName): Golden<Row> {
  return JSON.parse(readFileSync(goldenPath(name), "utf8"));
}

export function readStates(): Golden<StateRow | RefusedRow> {
  return readGolden("states");
}

export function readPeaks(): Golden<PeakRow> {
  return readGolden("peaks");
}

export function readSharding(): Golden<ShardingRow> {
  return readGolden("sharding");
}

const COMMAND = "npx tsx conformance/training/regenerate.ts";

/** The text of a golden file from what a program printed: the versions, then one row a line. */
export function goldenText(output: string): string {
  const [versions = "", ...rows] = output.trim().split("\n");
  const list = rows.map((row) => `    ${row}`).join(",\n");
  return `{\n  "versions": ${versions},\n  "command": "${COMMAND}",\n  "rows": [\n${list}\n  ]\n}\n`;
}
