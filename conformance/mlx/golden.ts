import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { foldNames } from "../folded-names.ts";

/** One generation that was run; absent fields are mlx-lm's defaults, but `start`, which is 0. */
export type AskedWorkload = {
  readonly prompt: number;
  readonly new: number;
  readonly dtype?: "float32";
  readonly prefill?: number;
  readonly maxKv?: number;
  readonly bits?: 4 | 8;
  readonly start?: number;
  readonly sequences?: number;
};

/** A directory that mlx-lm saved: what is in its files, and the bytes of the arrays of the model it loads of them. */
export type Converted = {
  readonly quantization: { readonly [key: string]: unknown } | null;
  readonly tensors: { readonly [names: string]: string };
  readonly held: number;
};

/** What mlx-lm made of a tiny model of one model_type; a text is what it broke off with. */
export type MlxRow = {
  readonly modelType: string;
  readonly config: { readonly [key: string]: unknown };
  /** Class of each layer's cache. */
  readonly classes: readonly string[];
  /** Bytes held after each of the workloads. */
  readonly caches: readonly (number | string)[];
  readonly converted: readonly (Converted | string)[];
  /** Bytes loaded of the tensors that transformers saves, which its golden numbers list. */
  readonly published?: number | string;
};

export type RefusedRow = { readonly modelType: string; readonly refused: string };

export type MlxGolden = {
  readonly versions: { readonly [name: string]: string };
  readonly command: string;
  readonly workloads: readonly AskedWorkload[];
  readonly rows: readonly (MlxRow | RefusedRow)[];
};

export const GOLDEN_PATH: string = fileURLToPath(new URL("golden/model-types.json", import.meta.url));

/** Reads the committed golden numbers. */
export function readGolden(): MlxGolden {
  return JSON.parse(readFileSync(GOLDEN_PATH, "utf8"));
}

/** The rows of models that mlx-lm made. */
export function askedRows({ rows }: MlxGolden): readonly MlxRow[] {
  return rows.filter((row): row is MlxRow => !("refused" in row));
}

/** The answer for one model_type as the program writes it, its tensors folded. */
export function folded(row: MlxRow | RefusedRow): MlxRow | RefusedRow {
  if ("refused" in row) return row;
  const converted = row.converted.map((each) =>
    typeof each === "string" ? each : { ...each, tensors: Object.fromEntries(foldNames(sorted(each.tensors))) },
  );
  return { ...row, converted };
}

/** mlx lists the tensors of a file in no order of its own. */
function sorted(tensors: Converted["tensors"]): [name: string, text: string][] {
  return Object.entries(tensors).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** One model_type a line. */
export function goldenText({ versions, command, workloads, rows }: MlxGolden): string {
  const list = (entries: readonly unknown[]) => entries.map((entry) => `    ${JSON.stringify(entry)}`).join(",\n");
  const head = `  "versions": ${JSON.stringify(versions)},\n  "command": ${JSON.stringify(command)},`;
  return `{\n${head}\n  "workloads": [\n${list(workloads)}\n  ],\n  "rows": [\n${list(rows)}\n  ]\n}\n`;
}
