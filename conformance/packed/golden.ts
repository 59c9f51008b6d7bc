import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A layer or a tiny model as one tool wrote it. */
export type PackedCase = {
  readonly case: string;
  /** `quantization_config` of its config.json; for MLX `quantization`. */
  readonly quantization: object | null;
  /** Counted by the tool's own library before it packed. */
  readonly parameters: number;
  readonly tensors: readonly (readonly [name: string, dtype: string, shape: readonly number[]])[];
};

export type PackedGolden = {
  readonly versions: { readonly [name: string]: string };
  /** What writes this file. */
  readonly command: string;
  readonly cases: readonly PackedCase[];
};

/** The tools that `ask.py` can run, each with a golden file. */
export const TOOLS = [
  "auto-round",
  "autoawq",
  "bitsandbytes",
  "compressed-tensors",
  "gptqmodel",
  "hqq",
  "mlx",
  "modelopt",
  "quark",
  "torchao",
  "transformers",
] as const;

export type Tool = (typeof TOOLS)[number];

export function goldenPath(tool: Tool): string {
  return fileURLToPath(new URL(`golden/${tool}.json`, import.meta.url));
}

/** Reads a committed golden file. */
export function readGolden(tool: Tool): PackedGolden {
  return JSON.parse(readFileSync(goldenPath(tool), "utf8"));
}

/** One case a line, so that a change shows as the lines it changes. */
export function goldenText({ versions, command, cases }: PackedGolden): string {
  const head = `  "versions": ${JSON.stringify(versions)},\n  "command": ${JSON.stringify(command)},`;
  return `{\n${head}\n  "cases": [\n${cases.map((row) => `    ${JSON.stringify(row)}`).join(",\n")}\n  ]\n}\n`;
}
