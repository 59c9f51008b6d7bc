import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectModel } from "../../src/inspect.ts";
import { type PartResult, verdict } from "../part.ts";
import { sharedFolder } from "../paths.ts";
import { runPython } from "../python.ts";
import { missingEngine, VERSIONS } from "../transformers/engine.ts";
import { readHeader, writeHeader } from "./header.ts";
import { PUBLISHED_MODELS, type PublishedModel } from "./published-models.ts";
import type { Entry, Sizes } from "./published-shapes.ts";

const NAME = "published totals of real models";

type Index = {
  readonly weight_map: { readonly [name: string]: string };
  readonly metadata?: { readonly total_size?: number; readonly total_parameters?: number };
};

type FileSizes = {
  readonly [model: string]: { readonly files: { readonly [path: string]: { readonly size: number } } };
};

/**
 * Makes of each published index a file with the tensors it names, at their shapes and with no data, and holds what weighin
 * counts against the bytes and parameters that were published with it, or against the lengths of its files.
 */
export async function checkPublishedTotals(): Promise<PartResult> {
  const shared = sharedFolder();
  if (shared === undefined) return { name: NAME, state: "skipped", summary: "WEIGHIN_SHARED is not there" };
  const missing = missingEngine(VERSIONS[0]);
  if (missing !== undefined) return { name: NAME, state: "skipped", summary: missing };
  const work = mkdtempSync(join(tmpdir(), "weighin-totals-"));
  try {
    const library = PUBLISHED_MODELS.filter(({ shapes }) => shapes === "library").map(({ name }) =>
      configOf(shared, name),
    );
    runPython("transformers/meta-shapes.py", [work, ...library]);
    return await compare(shared, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function compare(shared: string, work: string): Promise<PartResult> {
  const differences: string[] = [];
  const without: string[] = [];
  let figures = 0;
  for (const published of PUBLISHED_MODELS) {
    const { name, shapes } = published;
    if (typeof shapes === "object") {
      without.push(`${name} (${shapes.none})`);
      continue;
    }
    const index: Index = json(indexOf(shared, name));
    const path = join(work, `${name}.safetensors`);
    const headerBytes = writeHeader(path, entries(published, index, shared, work));
    const { weights, parameters, tensors } = await inspectModel(path);
    const tied = published.countsTiedTwice
      ? (tensors.find(({ component }) => component === "embedding")?.parameters ?? 0)
      : 0;
    const pairs = [
      ["bytes", weights.bytes, index.metadata?.total_size || undefined],
      ["parameters", parameters.total + tied, index.metadata?.total_parameters],
    ] as const;
    for (const [what, ours, theirs] of pairs) {
      if (theirs === undefined) continue;
      figures += 1;
      if (ours !== theirs) differences.push(`${name}: ${what} ${ours}, published ${theirs}`);
    }
    // The headers that were published are not known but for their size: a few bytes for each tensor.
    const files = safetensorsBytes(shared, name);
    if (files === undefined) continue;
    figures += 1;
    const rest = files - weights.bytes;
    if (rest <= 0 || rest > 2 * headerBytes + 4096)
      differences.push(`${name}: bytes ${weights.bytes}, files of ${files}`);
  }
  const summary = `${figures - differences.length}/${figures} figures of ${PUBLISHED_MODELS.length - without.length} models; not reproduced: ${without.join("; ")}`;
  return verdict(NAME, summary, differences);
}

function entries(
  { name, shapes, rename = (tensor) => tensor, dtype = () => undefined }: PublishedModel,
  index: Index,
  shared: string,
  work: string,
): Map<string, Entry> {
  const config: { readonly [key: string]: unknown } = json(configOf(shared, name));
  const size: Sizes = (key) => Number(config[key]);
  const stored = config["torch_dtype"] === "float32" ? "F32" : "BF16";
  const library = shapes === "library" ? readHeader(join(work, name, "model.safetensors")) : undefined;
  const shapeOf = (tensor: string): Entry | undefined => {
    if (typeof shapes === "function") {
      const shape = shapes(tensor, size);
      return shape && { dtype: stored, shape };
    }
    return library?.get(rename(tensor));
  };
  return new Map(
    Object.keys(index.weight_map).map((tensor) => {
      const entry = shapeOf(tensor) ?? beside(tensor, shapeOf);
      if (entry === undefined) throw new Error(`${name}: no shape for ${tensor}`);
      return [tensor, { ...entry, dtype: dtype(tensor) ?? entry.dtype }];
    }),
  );
}

/** Tensors that a published file has beyond those of the class: an output matrix though it is tied, 8-bit statistics. */
function beside(tensor: string, shapeOf: (name: string) => Entry | undefined): Entry | undefined {
  if (tensor === "lm_head.weight") return shapeOf("transformer.word_embeddings.weight");
  if (tensor.endsWith(".weight_format")) return { dtype: "U8", shape: [] };
  const weight = tensor.endsWith(".SCB") ? shapeOf(tensor.replace(/SCB$/, "weight")) : undefined;
  return weight && { dtype: "F32", shape: weight.shape.slice(0, 1) };
}

function safetensorsBytes(shared: string, name: string): number | undefined {
  const sizes: FileSizes = json(join(shared, "data/lfs/lfs-sizes.json"));
  const files = Object.entries(sizes[name]?.files ?? {}).filter(([path]) => /model.*\.safetensors$/.test(path));
  return files.length === 0 ? undefined : files.reduce((sum, [, { size }]) => sum + size, 0);
}

function configOf(shared: string, name: string): string {
  return join(shared, "data/configs", `${name}.json`);
}

function indexOf(shared: string, name: string): string {
  const path = join(shared, "data/index", `${name}.json`);
  return existsSync(path) ? path : path.replace(/json$/, "pytorch_bin.json");
}

function json<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8"));
}
