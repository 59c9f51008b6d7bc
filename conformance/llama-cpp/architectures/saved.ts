import { readdirSync } from "node:fs";
import { join } from "node:path";
import { inspectModel } from "../../../src/inspect.ts";
import type { MetadataValue, Model } from "../../../src/model/model.ts";
import { tryEngine } from "../engine.ts";
import type { ArchitectureRow } from "../golden.ts";
import { ARCHITECTURE_WORKLOADS } from "../workloads.ts";
import { bytesOrReason } from "./ask.ts";
import type { ArchitectureKeys, KeyValue } from "./keys.ts";

/** Asks about each model that llama.cpp's own test saved to a folder. */
export async function askSavedModels(directory: string): Promise<ArchitectureRow[]> {
  const files = readdirSync(directory).filter((file) => file.endsWith(".gguf"));
  return Promise.all(
    files.sort().map(async (file) => {
      const path = join(directory, file);
      const model = await inspectModel(path);
      const contextBytes = ARCHITECTURE_WORKLOADS.map((workload) => bytesOrReason(tryEngine(path, workload)));
      const title = file.replace(/^.*-(\w+)\.gguf$/, "$1");
      return { architecture: model.architecture ?? "", title, keys: keysOf(model), contextBytes };
    }),
  );
}

/** Longer arrays are padding: the test saves an entry for every layer there could be. */
const SPARE_ENTRIES = 2;

/** The keys a shape or a graph could follow from: all but the vocabulary. */
function keysOf({ architecture, metadata }: Model): ArchitectureKeys {
  const prefix = `${architecture}.`;
  const blocks = Number(metadata[`${prefix}block_count`]);
  return Object.fromEntries(
    Object.entries(metadata).flatMap(([key, value]) => {
      const kept = key.startsWith(prefix) ? keptValue(value, blocks + SPARE_ENTRIES) : undefined;
      return kept === undefined ? [] : [[key.slice(prefix.length), kept]];
    }),
  );
}

function keptValue(value: MetadataValue, longest: number): KeyValue | undefined {
  if (typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return isKept(value) ? value : undefined;
  if (!Array.isArray(value)) return undefined;
  const entries = value.slice(0, longest).map((entry: unknown) => (typeof entry === "boolean" ? Number(entry) : entry));
  return entries.every(isKept) ? entries : undefined;
}

/** Values that most of the models have, which their rows then need not repeat. */
export function commonKeys(rows: readonly ArchitectureRow[]): ArchitectureKeys {
  const counts = new Map<string, Map<string, number>>();
  for (const [key, value] of rows.flatMap(({ keys }) => Object.entries(keys))) {
    const values = counts.get(key) ?? new Map<string, number>();
    const text = JSON.stringify(value);
    counts.set(key, values.set(text, (values.get(text) ?? 0) + 1));
  }
  const common = [...counts].flatMap(([key, values]): [string, KeyValue][] => {
    const [[text, count] = ["0", 0]] = [...values].sort(([, a], [, b]) => b - a);
    return 2 * count > rows.length ? [[key, JSON.parse(text)]] : [];
  });
  return Object.fromEntries(common);
}

/** Integers and fractions that a 32-bit number holds. */
function isKept(value: unknown): value is number {
  if (typeof value !== "number") return false;
  return Number.isInteger(value) ? value >= -(2 ** 31) && value < 2 ** 32 : Math.fround(value) === value;
}
