import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Case } from "./cases.ts";

/** Layers that vLLM gave one table of blocks. */
export type GroupRow = {
  /** Its classes of specs. */
  readonly kinds: readonly string[];
  readonly layers: number;
  readonly blockTokens: number;
  readonly pageBytes: number;
  readonly requestBlocks: number;
};

/** What it made of one pool, or why it would not start. */
export type CapacityRow =
  | {
      readonly poolBytes: number;
      readonly blocks: number;
      /** On a rank of each stage. */
      readonly allocatedBytes: readonly number[];
      readonly tokens: number;
      readonly concurrency: number;
    }
  | { readonly poolBytes: number; readonly refused: string };

/** What vLLM answered to one question. */
export type Answer = {
  /** Of all parameters on the first rank of each stage. */
  readonly weightBytes: readonly number[];
  readonly dtype: string;
  readonly blockTokens: number;
  readonly inFlightTokens: number;
  readonly layout: string;
  readonly groups: readonly GroupRow[];
  readonly capacities: readonly CapacityRow[];
};

export type CaseRow = Answer & Pick<Case, "model" | "workload">;

/** A tiny model of one model_type, by tensor parallelism. */
export type ModelTypeRow = Answer & { readonly modelType: string; readonly tensorParallel: number };

export type Refused = { readonly modelType: string; readonly tensorParallel: number; readonly failed: string };

export type Golden = {
  readonly versions: { readonly [name: string]: string };
  readonly command: string;
  readonly cases: readonly CaseRow[];
  readonly modelTypes: readonly (ModelTypeRow | Refused)[];
};

export const GOLDEN_PATH: string = fileURLToPath(new URL("golden/0.32.0.json", import.meta.url));

export function readGolden(): Golden {
  return JSON.parse(readFileSync(GOLDEN_PATH, "utf8"));
}

/** One row a line. */
export function goldenText({ versions, command, cases, modelTypes }: Golden): string {
  const rows = (list: readonly unknown[]) => list.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  return `{
  "versions": ${JSON.stringify(versions)},
  "command": ${JSON.stringify(command)},
  "cases": [
${rows(cases)}
  ],
  "modelTypes": [
${rows(modelTypes)}
  ]
}
`;
}
