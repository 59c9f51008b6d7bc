import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { type PartResult, verdict } from "../part.ts";
import { missingModules, runPython } from "../python.ts";
import { modelOfConfig } from "./model-types.ts";

/** Dtype, bits, sequences, prompt tokens, tokens after it, bytes. */
export type QuantizedRow = readonly ["bfloat16" | "float32", 2 | 4, number, number, number, number];

export type QuantizedGolden = {
  readonly versions: { readonly [name: string]: string };
  readonly command: string;
  readonly config: { readonly [key: string]: unknown };
  readonly rows: readonly QuantizedRow[];
};

const PATH = fileURLToPath(new URL("golden/quantized-cache.json", import.meta.url));

export function readQuantized(): QuantizedGolden {
  return JSON.parse(readFileSync(PATH, "utf8"));
}

/** Asks the library again: a few seconds. */
function askQuantized(): QuantizedGolden {
  const command = "npx tsx conformance/transformers/write-quantized.ts";
  return { command, ...JSON.parse(runPython("transformers/quantized_cache.py", [])) };
}

export function writeQuantized(): void {
  writeFileSync(PATH, textOf(askQuantized()));
}

function textOf({ versions, command, config, rows }: QuantizedGolden): string {
  const head = [versions, command, config].map((value) => JSON.stringify(value));
  const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  return `{\n  "versions": ${head[0]},\n  "command": ${head[1]},\n  "config": ${head[2]},\n  "rows": [\n${lines}\n  ]\n}\n`;
}

/** Where weighin differs from the bytes that the library held. */
export async function compareQuantized({ config, rows }: QuantizedGolden): Promise<string[]> {
  const model = await modelOfConfig(config);
  return rows.flatMap(([dtype, cacheBits, sequences, promptTokens, newTokens, bytes]) => {
    const workload = {
      runtime: "transformers",
      cache: "quantized",
      dtype,
      cacheBits,
      sequences,
      promptTokens,
      newTokens,
    } as const;
    const ours = estimateMemory(model, workload).totals.cache;
    return ours === bytes ? [] : [`${JSON.stringify(workload)}: ${ours}, transformers ${bytes}`];
  });
}

/** Holds quantized caches against the golden numbers, and these against the library where it is there. */
export async function checkQuantizedCaches(): Promise<PartResult> {
  const golden = readQuantized();
  const differences = await compareQuantized(golden);
  const missing = missingModules(["torch", "transformers", "optimum"], "transformers/requirements.txt");
  if (missing === undefined && textOf(golden) !== textOf(askQuantized()))
    differences.push("the library answers otherwise now");
  const asked = missing === undefined ? "asked again" : `not asked again: ${missing}`;
  const exact = golden.rows.length - differences.length;
  return verdict(
    "weighin against transformers: quantized caches",
    `${exact}/${golden.rows.length} exact, ${asked}`,
    differences,
  );
}
