import type { AttentionMixer, LatentMixer, Mixer } from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { LayerCache } from "../layer-cache.ts";
import { bufferBytes, F32_BYTES } from "./buffer-bytes.ts";
import { cacheGgmlType, rowBytes } from "./cache-type.ts";
import { type CacheWidths, cacheWidths } from "./cache-widths.ts";
import { type CachedLayer, cachedLayers } from "./cached-layers.ts";
import { type Cells, compressedCells } from "./cells.ts";
import { INDEX_CACHE_WITH_VALUES, ROLLS_BACK_STATES, WITHOUT_FLASH_ATTENTION } from "./engine-facts.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";
import type { LlamaCppCacheType } from "./workload.ts";

/** Rows that one layer keeps: their widths, and how many of them in how many streams. */
export type LayerRows = CacheWidths & {
  readonly role: "main" | "compressed" | "index" | "padding";
  readonly cells: number;
  readonly streams: number;
};

/** One allocation of rows: what it is called, how wide its rows are, how many there are per stream and for what. */
type RowCache = LayerRows & {
  readonly kind: string;
  readonly tokensPerRow: number;
};

/** What all layers of one estimate have in common. */
type Context = {
  readonly settings: LlamaCppSettings;
  readonly cells: Cells;
  readonly device: Device;
  readonly architecture: string;
  /** Width that every V row is padded to, where it is. */
  readonly paddedValue: number | undefined;
  readonly hasRecurrence: boolean;
};

const KV_SOURCE = "llama.cpp 0.5.0 src/llama-kv-cache.cpp:197-220";
const RECURRENT_SOURCE = "llama.cpp 0.5.0 src/llama-memory-recurrent.cpp:96-108";
const COMPRESSED_SOURCE = "llama.cpp 0.5.0 src/llama-kv-cache-dsv4.cpp:1211-1325";

/** The caches that lie on one device. */
export type DeviceCaches = { readonly device: Device; readonly caches: readonly LayerCache[] };

/**
 * Caches of the main context by the device of their layer, or of the host when they are not offloaded; null where a
 * layer's way of mixing is not known.
 */
export function deviceCaches(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  placement: Placement,
  layers: readonly CachedLayer[] = cachedLayers(model),
): DeviceCaches[] | null {
  const mixers = layers.map(({ mixer }) => mixer);
  if (mixers.length === 0 || mixers.some(({ kind }) => kind === "unknown" || kind === "cross")) return null;
  const context = contextOf(model, settings, cells, layers);
  const byDevice = new Map<Device, LayerCache[]>([...placement.gpus, placement.host].map((device) => [device, []]));
  for (const { mixer, block } of layers) {
    const device = settings.offloadCache ? placement.deviceOf(block) : placement.host;
    byDevice.get(device)?.push(...cachesOf(mixer, { ...context, device }));
  }
  return [...byDevice].map(([device, caches]) => ({ device, caches }));
}

function cachesOf(mixer: Mixer, context: Context): LayerCache[] {
  return [...attentionCaches(mixer, context), ...compressorStates(mixer, context), ...recurrentStates(mixer, context)];
}

/**
 * Without flash attention V is stored transposed, and where its width varies over the layers every layer is padded to
 * the widest (`is_n_embd_v_gqa_variable`, `src/llama-kv-cache.cpp:196`). Undefined: each layer keeps its own width.
 */
function paddedValueWidth(mixers: readonly Mixer[], settings: LlamaCppSettings): number | undefined {
  if (settings.flashAttention !== "off") return undefined;
  const widths = mixers.flatMap((mixer) => cacheWidths(mixer)?.value ?? []);
  return widths.length > 0 ? Math.max(...widths) : undefined;
}

/** Rows of every layer with a cache, by its block. */
export function layerRows(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  layers: readonly CachedLayer[],
): ReadonlyMap<number, readonly LayerRows[]> {
  const context = contextOf(model, settings, cells, layers);
  return new Map(layers.map(({ mixer, block }) => [block, rowCaches(mixer, context)]));
}

/** Without flash attention each element of the values is a row. What `auto` turns out to be is not known by then. */
export function valuesAreTransposed({ architecture }: Model, { flashAttention }: LlamaCppSettings): boolean {
  return flashAttention === "off" || WITHOUT_FLASH_ATTENTION.has(architecture ?? "");
}

function contextOf(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  layers: readonly CachedLayer[],
): Omit<Context, "device"> {
  const mixers = layers.map(({ mixer }) => mixer);
  return {
    settings,
    cells,
    architecture: model.architecture ?? "",
    paddedValue: paddedValueWidth(mixers, settings),
    hasRecurrence: mixers.some(({ kind }) => kind === "recurrent"),
  };
}

function attentionCaches(mixer: Mixer, context: Context): LayerCache[] {
  return rowCaches(mixer, context).map((cache) => weighRows(cache, context));
}

/** The cache of a layer, and those beside it: rows that stand for several tokens, keys of an indexer. */
function rowCaches(mixer: Mixer, context: Omit<Context, "device">): RowCache[] {
  if (mixer.kind === "none") return paddingOf(context);
  const widths = cacheWidths(mixer);
  const attention = attentionPart(mixer);
  if (widths === undefined || attention === undefined) return [];
  const compression = attention.kind === "attention" ? attention.compression : undefined;
  const pool = attention.kind === "attention" && attention.sharedKeyValue ? context.cells.perSequence : context.cells;
  const { streams } = pool;
  const value = widths.value === 0 ? 0 : (context.paddedValue ?? widths.value);
  const main: RowCache = {
    role: "main",
    kind: kindOf(attention),
    key: widths.key,
    value,
    cells: pool.held(attention.window),
    streams,
    tokensPerRow: 1,
  };
  const caches: RowCache[] = [main];
  const tokensPerRow = compression?.ratio ?? 1;
  const cells = compression === undefined ? pool.full : compressedCells(pool.full, tokensPerRow);
  if (compression !== undefined) {
    caches.push({
      ...main,
      role: "compressed",
      kind: `compressed cache, 1 row for ${tokensPerRow} tokens`,
      cells,
      tokensPerRow,
    });
  }
  if (attention.indexer !== undefined) {
    const indexWidths = { key: attention.indexer.keyDim, value: indexValueWidth(attention, context) };
    caches.push({ role: "index", kind: "index cache", ...indexWidths, cells, streams, tokensPerRow });
  }
  return caches;
}

/** A layer without attention holds no keys, but is padded to the widest values like any other, except in hybrids. */
function paddingOf({ cells, paddedValue, hasRecurrence }: Omit<Context, "device">): RowCache[] {
  if (paddedValue === undefined || hasRecurrence) return [];
  const { full, streams } = cells;
  return [{ role: "padding", kind: "padding", key: 0, value: paddedValue, cells: full, streams, tokensPerRow: 1 }];
}

/** An engine's leftover: where the index cache is built like any other, it has values of one head. */
function indexValueWidth(
  attention: AttentionMixer | LatentMixer,
  { architecture }: Pick<Context, "architecture">,
): number {
  return attention.kind === "attention" && INDEX_CACHE_WITH_VALUES.has(architecture) ? attention.valueDim : 0;
}

function kindOf(attention: AttentionMixer | LatentMixer): string {
  const noun = attention.kind === "latent" && attention.upProjection === "absorbed" ? "latent cache" : "KV cache";
  return attention.window.kind === "none" ? noun : `${noun}, ${attention.window.kind} ${attention.window.tokens}`;
}

/** Keys and values are a tensor each, as wide as a row. */
function weighRows(cache: RowCache, { settings, device }: Context): LayerCache {
  const { kind, key, value, cells, streams, tokensPerRow } = cache;
  const { cacheTypeK, cacheTypeV } = settings;
  const bytesPerCell = rowBytes(cacheTypeK, key) + rowBytes(cacheTypeV, value);
  const tensorBytes = (type: LlamaCppCacheType, width: number): number =>
    width === 0 ? 0 : bufferBytes(rowBytes(type, width) * cells * streams, cacheGgmlType(type), width, device);
  const types = [cacheTypeK, ...(value === 0 || cacheTypeV === cacheTypeK ? [] : [cacheTypeV])];
  return {
    kind,
    detail: `${cells} cells${streams === 1 ? "" : ` x ${streams} streams`}, ${types.join("/")}`,
    bytes: tensorBytes(cacheTypeK, key) + tensorBytes(cacheTypeV, value),
    bytesPerToken: Math.ceil(bytesPerCell / tokensPerRow),
    source: tokensPerRow === 1 ? KV_SOURCE : COMPRESSED_SOURCE,
  };
}

/** The compressor of each sequence holds unfinished rows and their scores, both f32. */
function compressorStates(mixer: Mixer, context: Context): LayerCache[] {
  if (mixer.kind !== "attention" || mixer.compression === undefined) return [];
  const shapes = mixer.compression.state.flatMap((shape) => [shape, shape]);
  return [stateCache("compressor state", shapes, COMPRESSED_SOURCE, context)];
}

/** State tensors are f32, one row per sequence. */
function recurrentStates(mixer: Mixer, context: Context): LayerCache[] {
  const recurrent = recurrentPart(mixer);
  if (recurrent === undefined) return [];
  const shapes = recurrent.state.map(({ shape }) => shape);
  return [stateCache("recurrent state", shapes, RECURRENT_SOURCE, context)];
}

/** Beside the current state of each sequence, as many earlier ones as can be gone back to. */
function stateCache(
  kind: string,
  shapes: readonly (readonly number[])[],
  source: string,
  { settings: { sequences, rollbackRows }, architecture, device }: Context,
): LayerCache {
  const rows = sequences * (1 + (ROLLS_BACK_STATES.has(architecture) ? rollbackRows : 0));
  const bytes = shapes.reduce((sum, shape) => {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    return sum + bufferBytes(F32_BYTES * elements * rows, cacheGgmlType("f32"), elements, device);
  }, 0);
  const kept = rows === sequences ? "" : `, ${rows} states`;
  return {
    kind,
    detail: `${sequences === 1 ? "1 sequence" : `${sequences} sequences`}${kept}, f32`,
    bytes,
    bytesPerToken: 0,
    source,
  };
}
