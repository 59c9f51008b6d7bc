import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { isInspectError } from "../src/errors.ts";
import { inspectModel } from "../src/inspect.ts";
import type { Model } from "../src/model/model.ts";
import { estimateMemory } from "../src/runtimes/estimate-memory.ts";
import { runtimesFor } from "../src/runtimes/runtimes-for.ts";
import { type PartResult, verdict } from "./part.ts";
import { sharedFolder } from "./paths.ts";

const NAME = "real configs, indexes and files: a model or a typed error";
const CONFIG_FOLDERS = ["configs", "configs-reduced", "configs-presets"];
const INDEX_FOLDERS = ["index", "index-malformed"];
/** Everything but the lists of where the files come from. */
const JSON_FILE = /(?<!SOURCES)\.json(\.txt)?$/;

/** Inspects and weighs everything in the shared folder; only an `InspectError` may come out instead of a model. */
export async function checkRealInput(): Promise<PartResult> {
  const shared = sharedFolder();
  if (shared === undefined) return { name: NAME, state: "skipped", summary: "WEIGHIN_SHARED is not there" };
  const data = join(shared, "data");
  const work = mkdtempSync(join(tmpdir(), "weighin-real-input-"));
  try {
    const sources = [
      ...filesUnder(join(data, "files"), /\.(gguf|safetensors)$/),
      ...CONFIG_FOLDERS.flatMap((folder) => filesUnder(join(data, folder), JSON_FILE)).map((path, index) =>
        modelOfConfig(join(work, `config-${index}`), path),
      ),
      ...INDEX_FOLDERS.flatMap((folder) => filesUnder(join(data, folder), JSON_FILE)).map((path, index) =>
        modelOfIndex(join(work, `index-${index}`), path, join(data, "configs", basename(path))),
      ),
    ];
    return await sweep(sources);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function sweep(sources: readonly string[]): Promise<PartResult> {
  const differences: string[] = [];
  const codes = new Map<string, number>();
  let models = 0;
  for (const source of sources) {
    try {
      weigh(await inspectModel(source));
      models += 1;
    } catch (error) {
      if (isInspectError(error)) codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      else differences.push(`${source}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  const refusals = [...codes].map(([code, count]) => `${count} ${code}`).join(", ");
  return verdict(NAME, `${sources.length} inputs, ${models} models, typed errors: ${refusals || "none"}`, differences);
}

/** Every runtime that can load it; the trained context is taken from the file, 4096 where it says none. */
function weigh(model: Model): void {
  JSON.stringify(model);
  for (const runtime of runtimesFor(model))
    estimateMemory(model, { runtime, contextTokens: model.trainedContext ?? 4096 });
}

/** A directory with this config.json and the smallest safetensors file: one embedding row. */
function modelOfConfig(directory: string, configPath: string): string {
  mkdirSync(directory);
  writeFileSync(join(directory, "config.json"), readFileSync(configPath));
  writeFileSync(join(directory, "model.safetensors"), headerOnly(["model.embed_tokens.weight"]));
  return directory;
}

/**
 * A directory with this index and, for each shard it names, a file with the tensors it maps there, each empty; and with
 * the model's own config.json, when that is among the configs.
 */
function modelOfIndex(directory: string, indexPath: string, configPath: string): string {
  mkdirSync(directory);
  if (existsSync(configPath)) writeFileSync(join(directory, "config.json"), readFileSync(configPath));
  const text = readFileSync(indexPath, "utf8");
  writeFileSync(join(directory, "model.safetensors.index.json"), text);
  for (const [shard, names] of shardsOf(text)) {
    if (/^[\w.-]+$/.test(shard)) writeFileSync(join(directory, shard), headerOnly(names));
  }
  return directory;
}

function shardsOf(indexText: string): Map<string, string[]> {
  const shards = new Map<string, string[]>();
  try {
    const { weight_map: map }: { weight_map: { [tensor: string]: string } } = JSON.parse(indexText);
    for (const [tensor, shard] of Object.entries(map)) shards.set(shard, [...(shards.get(shard) ?? []), tensor]);
  } catch {
    // A malformed index names no shards; what weighin makes of it is the point.
  }
  return shards;
}

/** A safetensors file whose tensors have no elements. */
function headerOnly(names: readonly string[]): Uint8Array {
  const entries = names.map((name) => [name, { dtype: "BF16", shape: [0, 4], data_offsets: [0, 0] }]);
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}

function filesUnder(folder: string, pattern: RegExp): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => pattern.test(path))
    .sort()
    .map((path) => join(folder, path));
}
