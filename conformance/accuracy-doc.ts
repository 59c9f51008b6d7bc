import { join } from "node:path";
import { CONFIG_RULES } from "../src/model/architectures/registry.ts";
import { compareArchitecture } from "./llama-cpp/architectures/compare.ts";
import { comparedGraphs, comparedVariants, comparedWholeModels } from "./llama-cpp/compared.ts";
import { readArchitectures } from "./llama-cpp/golden.ts";
import { readVariants } from "./llama-cpp/variants/golden.ts";
import { readWholeModels } from "./llama-cpp/whole-models/golden.ts";
import { ROOT } from "./paths.ts";
import { compareModelType, type ModelTypeRow, modelOfRow, readModelTypes } from "./transformers/model-types.ts";

export const ACCURACY_DOC: string = join(ROOT, "docs/accuracy.md");

const QUANTITIES = ["weights", "cache", "output", "work", "compute", "graphs"] as const;

type Counts = { models: number; wrong: number; inBounds: number } & {
  [quantity in (typeof QUANTITIES)[number]]: number;
};

/** The whole of `docs/accuracy.md`, from the golden numbers and what weighin says now. */
export async function accuracyDoc(): Promise<string> {
  const { engine, rows } = readWholeModels();
  const types = readModelTypes();
  const byArchitecture = await llamaCppCounts();
  const total = (quantity: keyof Counts): number =>
    [...byArchitecture.values()].reduce((sum, counts) => sum + counts[quantity], 0);
  const proven = types.rows.filter(
    (row): row is ModelTypeRow => !("refused" in row) && CONFIG_RULES.has(row.modelType),
  );
  return `# Accuracy

Written by \`npm run generate\` from the golden numbers in \`conformance/\` and from what weighin says of the same models; a test
holds it against both. \`npm run conformance\` asks the engines again.

## GGUF, against llama.cpp ${engine.version}

${rows.length + readVariants().rows.length} whole models and ${readArchitectures("architectures").rows.length + readArchitectures("saved-models").rows.length} sets of keys of ${byArchitecture.size} architectures: contexts, sequences, micro-batches, cache types, windows and flash attention on a CPU,
and on one to three simulated GPUs (by the engine's own functions for CUDA and Metal) with splits, overrides and layers kept
back. Each number is how many figures were compared: weights, cache and compute buffer on each device, the output buffer, the
CPU's work buffer, and graphs, node by node.

${QUANTITIES.map(total).reduce((sum, count) => sum + count, 0)} figures are equal to the byte, ${total("wrong")} are not: those of each architecture are in the last column. Not counted: ${total("inBounds")} compute
buffers of a draft that was weighed without the model it is for: estimates, all within their bounds.

| architecture | models | weights | cache | output | work buffer | compute | graphs | off |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${[...byArchitecture].map(([name, counts]) => llamaCppLine(name, counts)).join("\n")}

## config.json, against transformers ${types.versions.transformers}

A tiny model of each model_type, made and saved by the library: parameters, tensor bytes, layers, heads, weights in float32
and bfloat16, and the caches it held. \`caches\` is how many were compared.

| model_type | parameters | layers | caches | error in bytes |
| --- | --- | --- | --- | --- |
${(await Promise.all(proven.map(transformersLine))).join("\n")}
`;
}

async function llamaCppCounts(): Promise<Map<string, Counts>> {
  const found = new Map<string, Counts>();
  const of = (architecture: string): Counts => {
    const counts = found.get(architecture) ?? {
      models: 0,
      wrong: 0,
      weights: 0,
      cache: 0,
      output: 0,
      work: 0,
      compute: 0,
      graphs: 0,
      inBounds: 0,
    };
    found.set(architecture, counts);
    return counts;
  };
  for (const { row, verdict } of await comparedWholeModels()) {
    const { host, devices, differences } = verdict;
    const counts = of(row.architecture);
    counts.models += 1;
    counts.wrong += differences.length;
    counts.work += host.work;
    for (const quantity of ["weights", "cache", "output", "compute"] as const)
      counts[quantity] += host[quantity] + devices[quantity];
    counts.inBounds += host.computeInBounds + devices.computeInBounds;
  }
  for (const { row, verdict } of await comparedVariants()) {
    const { exact, differences } = verdict;
    const counts = of(row.architecture);
    counts.models += 1;
    counts.wrong += differences.length;
    for (const quantity of ["weights", "cache", "output", "compute"] as const) counts[quantity] += exact[quantity];
    counts.inBounds += exact.computeInBounds;
  }
  for (const { row, verdict } of await comparedGraphs()) {
    const counts = of(row.row.architecture);
    for (const quantity of ["graphs", "compute"] as const) {
      const answered = verdict[quantity].filter((difference) => difference !== undefined);
      const exact = answered.filter((difference) => difference === "").length;
      counts[quantity] += exact;
      counts.wrong += answered.length - exact;
    }
  }
  for (const row of [...readArchitectures("architectures").rows, ...readArchitectures("saved-models").rows]) {
    const { exact, differences } = await compareArchitecture(row);
    const counts = of(row.architecture);
    counts.cache += exact;
    counts.wrong += differences.length;
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function llamaCppLine(name: string, counts: Counts): string {
  const cells = QUANTITIES.map((quantity) => (counts[quantity] === 0 ? "not known" : counts[quantity]));
  return `| \`${name}\` | ${counts.models} | ${cells.join(" | ")} | ${counts.wrong} |`;
}

async function transformersLine(row: ModelTypeRow): Promise<string> {
  const differences = compareModelType(await modelOfRow(row), row);
  const error = differences.length === 0 ? 0 : `${differences.length} figures off`;
  return `| \`${row.modelType}\` | ${row.parameters} | ${row.layers} | ${row.caches?.length ?? 0} | ${error} |`;
}
