import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inspectModel } from "../../src/inspect.ts";
import type { Mixer } from "../../src/model/mixer.ts";
import type { Model, ModelLayer } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { namesOf } from "../folded-names.ts";

/** Bytes of one cache: kind, dtype, sequences, tokens, bytes, and of an encoder-decoder tokens of the encoder's output. */
type CacheRow = readonly ["dynamic" | "static", "float32" | "bfloat16", number, number, number, number?];

/** What a layer's cache holds: the shape of each tensor without the sequences, then its dtype. */
type LayerCacheRow = { readonly [tensor: string]: HeldTensor };
type HeldTensor = readonly (number | string)[];

/** What transformers made of a tiny model of one model_type. */
export type ModelTypeRow = {
  readonly modelType: string;
  readonly class: string;
  readonly parameters: number;
  /** Elements saved that are no parameters. */
  readonly buffers: number;
  /** Elements of parameters that are not saved but made on loading. */
  readonly unsaved?: number;
  /** Parameters and saved buffers in memory, loaded in float32 and in bfloat16. */
  readonly weightBytes: readonly [number, number];
  readonly layers: number;
  /** Blocks of the encoder, of an encoder-decoder. */
  readonly encoderLayers?: number;
  readonly config: { readonly [key: string]: unknown };
  /** `layers.{0-3}.x` to dtype and shape. */
  readonly tensors: { readonly [names: string]: string };
  readonly caches?: readonly CacheRow[];
  readonly layerCaches?: readonly LayerCacheRow[];
  /** Why the library took no static cache. */
  readonly staticRefused?: string;
  /** Layers and heads of the class's own default configuration: `sliding 4096 x 3`. */
  readonly defaults?: {
    readonly layers: readonly string[];
    readonly num_hidden_layers: number;
    readonly num_key_value_heads?: number;
    readonly head_dim?: number;
  };
  /** The class fills the same `layer_types` in when the configuration has none. */
  readonly layerTypesImplied?: boolean;
};

/** A model_type that was not asked, or that the library refused, and why. */
export type RefusedRow = { readonly modelType: string; readonly refused: string };

export type ModelTypesGolden = {
  readonly versions: { readonly python: string; readonly torch: string; readonly transformers: string };
  readonly command: string;
  readonly rows: readonly (ModelTypeRow | RefusedRow)[];
};

export const MODEL_TYPES_PATH: string = fileURLToPath(new URL("golden/model-types.json", import.meta.url));

export function readModelTypes(): ModelTypesGolden {
  return JSON.parse(readFileSync(MODEL_TYPES_PATH, "utf8"));
}

/** The model of a row, from a directory with its config.json and a file with its header and no data. */
export function modelOfRow(
  row: Pick<ModelTypeRow, "config" | "tensors">,
  config: ModelTypeRow["config"] = row.config,
): Promise<Model> {
  return modelOf(config, row.tensors);
}

/** The model of a config.json alone: its one tensor is empty. */
export function modelOfConfig(config: ModelTypeRow["config"]): Promise<Model> {
  return modelOf(config, { nothing: "F32 0" });
}

async function modelOf(config: ModelTypeRow["config"], tensors: ModelTypeRow["tensors"]): Promise<Model> {
  const directory = mkdtempSync(join(tmpdir(), "weighin-model-type-"));
  try {
    writeFileSync(join(directory, "config.json"), JSON.stringify(config));
    const file = join(directory, "model.safetensors");
    const { bytes, dataBytes } = headerOf(tensors);
    writeFileSync(file, bytes);
    truncateSync(file, bytes.length + dataBytes);
    return await inspectModel(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Where weighin differs from transformers for one model_type; empty when nowhere. */
export function compareModelType(model: Model, row: ModelTypeRow): string[] {
  const differences: string[] = [];
  const hold = (what: string, ours: unknown, theirs: unknown): void => {
    const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
    if (a !== b) differences.push(`${what}: ${a}, transformers ${b}`);
  };
  hold(
    "diagnostics",
    model.diagnostics.map(({ message }) => message),
    [],
  );
  hold("parameters", model.parameters.total, row.parameters + row.buffers - (row.unsaved ?? 0));
  hold("tensor bytes", model.weights.bytes, headerOf(row.tensors).dataBytes);
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  const cached = layers.flatMap((layer) => Array.from({ length: passesOf(layer) }, () => layer));
  hold("layers, and caches of them", [model.layerCount, cached.length], [layers.length, row.layers]);
  hold("encoder layers", model.encoder?.layerCount, row.encoderLayers);
  if (row.layerCaches !== undefined) hold("heads", cached.map(cachedHeads), row.layerCaches.map(heldHeads));
  for (const [index, dtype] of (["float32", "bfloat16"] as const).entries()) {
    const { totals } = estimateMemory(model, { runtime: "transformers", dtype, contextTokens: 64 });
    hold(`weights in ${dtype}`, totals.weights, row.weightBytes[index]);
  }
  for (const [cache, dtype, sequences, contextTokens, bytes, prompt] of row.caches ?? NO_CACHE) {
    const promptTokens = prompt === undefined ? {} : { promptTokens: prompt };
    const workload = { cache, dtype, sequences, contextTokens, ...promptTokens };
    const memory = estimateMemory(model, { runtime: "transformers", ...workload });
    const unknown = memory.diagnostics.some(({ code }) => code === "not-counted" || code === "unknown-cache");
    hold(
      `${cache} cache of ${sequences} x ${contextTokens}, ${dtype}`,
      unknown ? "unknown" : memory.totals.cache,
      bytes,
    );
  }
  return differences;
}

/** Layers that keep alike, as `defaults.layers` writes them. */
export function layerRuns(model: Model): string[] {
  const runs: { readonly word: string; layers: number }[] = [];
  for (const layer of model.layers) {
    const word = mixerWord(layer.mixer);
    const layers = passesOf(layer);
    const last = runs.at(-1);
    if (last?.word === word) last.layers += layers;
    else runs.push({ word, layers });
  }
  return runs.map(({ word, layers }) => `${word} x ${layers}`);
}

/** The library counts a layer for each pass, since it has a cache for each. */
function passesOf({ mixer }: ModelLayer): number {
  return mixer.kind === "attention" ? (mixer.passes ?? 1) : 1;
}

/** A layer in the words of transformers. */
function mixerWord(mixer: Mixer): string {
  switch (mixer.kind) {
    case "attention": {
      const { window, compression, indexer } = mixer;
      if (mixer.sharesCacheWith !== undefined) return "dummy";
      if (compression !== undefined) return indexer ? "compressed_sparse_attention" : "heavily_compressed_attention";
      if (indexer !== undefined) return "indexed_attention";
      return window.kind === "none" ? "full" : `${window.kind} ${window.tokens}`;
    }
    case "latent":
      return mixer.indexer === undefined ? "full" : "indexed_attention";
    case "recurrent":
      return mixer.family === "short-convolution" ? "conv" : "linear_attention";
    case "parallel": {
      const { window } = mixer.attention;
      return window.kind === "none" ? "hybrid" : `hybrid_sliding ${window.tokens}`;
    }
    case "cross":
      return "full";
    default:
      return mixer.kind === "none" ? "dummy" : mixer.kind;
  }
}

/** What is held of an encoder. */
const NO_CACHE: readonly CacheRow[] = [["dynamic", "float32", 1, 64, 0]];

/** Heads and head sizes of keys and values as a cache shows them: `kvHeads x key + value`, then those of the encoder's. */
function cachedHeads({ mixer, cross }: ModelLayer): string {
  const own = ownHeads(mixer);
  return cross === undefined ? own : `${own}, ${cross.kvHeads} x ${cross.keyDim} + ${cross.valueDim}`;
}

function ownHeads(mixer: Mixer): string {
  const attention = mixer.kind === "parallel" ? mixer.attention : mixer;
  if (attention.kind === "latent") return `1 x ${attention.kvLoraRank} + ${attention.ropeDim}`;
  if (attention.kind === "cross") return `${attention.kvHeads} x ${attention.keyDim} + ${attention.valueDim}`;
  if (attention.kind !== "attention" || attention.sharesCacheWith !== undefined) return "none";
  return `${attention.kvHeads} x ${attention.keyDim} + ${attention.valueDim}`;
}

function heldHeads({ keys, values, cross_keys, cross_values }: LayerCacheRow): string {
  const own = headsIn(keys, values);
  return cross_keys === undefined ? own : `${own}, ${headsIn(cross_keys, cross_values)}`;
}

function headsIn(keys: HeldTensor | undefined, values: HeldTensor | undefined): string {
  return keys === undefined || values === undefined ? "none" : `${keys[0]} x ${keys[2]} + ${values[2]}`;
}

const DTYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ["F64", 8],
  ["I64", 8],
  ["F32", 4],
  ["I32", 4],
  ["BF16", 2],
  ["BOOL", 1],
]);

function headerOf(tensors: ModelTypeRow["tensors"]): { readonly bytes: Uint8Array; readonly dataBytes: number } {
  let offset = 0;
  const entries = Object.entries(tensors).flatMap(([pattern, text]) => {
    const [dtype = "", ...dimensions] = text.split(" ");
    const shape = dimensions.map(Number);
    const bytes = (DTYPE_BYTES.get(dtype) ?? Number.NaN) * shape.reduce((product, size) => product * size, 1);
    return namesOf(pattern).map((name) => {
      const begin = offset;
      offset += bytes;
      return [name, { dtype, shape, data_offsets: [begin, offset] }];
    });
  });
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return { bytes: Buffer.concat([length, json]), dataBytes: offset };
}
