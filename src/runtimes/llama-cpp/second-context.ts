import type { Model } from "../../model/model.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { cacheItems, type LayerCache } from "../layer-cache.ts";
import { F32_BYTES } from "./buffer-bytes.ts";
import { type DeviceCaches, deviceCaches } from "./cache.ts";
import { blockCount, type CachedLayer, cachedLayers } from "./cached-layers.ts";
import { batchFitsContext, type Cells, cellsOf } from "./cells.ts";
import { endsWithMtp } from "./companion.ts";
import { type ComputeSubject, computeItems } from "./compute.ts";
import { formItems } from "./compute-form.ts";
import { mtpCells, mtpLayers, PROVEN_MTP } from "./mtp-context.ts";
import { overheadItems } from "./overhead.ts";
import { type Placement, placeBlocks } from "./placement.ts";
import { PROVEN_ARCHITECTURES } from "./proven.ts";
import { refuseCacheTypes } from "./refusals.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { placeTensors } from "./tensor-place.ts";
import { weightItems } from "./weights.ts";
import type { LlamaCppWorkload } from "./workload.ts";

const SAMPLING_SOURCE = "llama.cpp 0.5.0 src/llama-context.cpp:2146-2150, common/speculative.cpp";
const HIDDEN_SOURCE = "llama.cpp 0.5.0 src/llama-context.cpp:2133-2137, common/speculative.cpp:1420";

/** What is loaded beside the main context adds; a part that is null cannot be computed. */
export type Beside = {
  readonly weights: readonly MemoryItem[];
  readonly cache: readonly MemoryItem[] | null;
  readonly compute: readonly MemoryItem[] | null;
  readonly overhead: readonly MemoryItem[] | null;
  /** The caches themselves, for what one more token takes. */
  readonly caches: readonly LayerCache[];
};

/** The context that drafts tokens: a draft's, or one over the model's own MTP blocks; undefined where nothing drafts. */
export function secondContext(
  model: Model,
  { draft }: LlamaCppWorkload,
  settings: LlamaCppSettings,
  placement: Placement,
): Beside | undefined {
  const own = draftSettings(settings, cellsOf(settings, batchFitsContext(model)));
  if (draft !== undefined) return draftContext(targetOf(model, settings, placement), draft, own);
  return settings.mtpContext ? mtpContext(model, own, placement) : undefined;
}

/**
 * The draft's context follows the main one but for its cache types, its layers on GPUs and what it puts out
 * (llama.cpp 0.5.0 `common/speculative.cpp:2466-2555`); rules for tensors are not handed on.
 */
function draftSettings(settings: LlamaCppSettings, { full, streams }: Cells): LlamaCppSettings {
  return {
    ...settings,
    contextTokens: full * streams,
    cacheTypeK: settings.draftCacheTypeK,
    cacheTypeV: settings.draftCacheTypeV,
    outputs: settings.sequences,
    embeddings: false,
    rollbackRows: 0,
  };
}

/** The main model in its context, whose matrices and caches some drafts read. */
type Target = Omit<ComputeSubject, "cacheBytes">;

function targetOf(model: Model, settings: LlamaCppSettings, placement: Placement): Target {
  const cells = cellsOf(settings, batchFitsContext(model));
  return { model, settings, cells, placement, places: placeTensors(model, settings, placement) };
}

function draftContext(target: Target, draft: Model, inherited: LlamaCppSettings): Beside {
  const mtp = endsWithMtp(draft);
  const settings: LlamaCppSettings = {
    ...inherited,
    gpuLayers: inherited.draftGpuLayers,
    overrideTensors: [],
    cpuMoeLayers: 0,
    cpuFeedForwardLayers: 0,
    loadMtp: mtp,
  };
  const placement = placeBlocks(settings, blockCount(draft));
  const places = placeTensors(draft, settings, placement);
  const parts = contextParts("draft", draft, settings, placement, mtp ? "mtp" : "own", target);
  return {
    ...parts,
    weights: weightItems(draft, settings, placement, places, certaintyOf(PROVEN_ARCHITECTURES, draft)).map(
      named("draft"),
    ),
    overhead: mtp
      ? withHiddenStates("draft", target.model, draft, settings, placement, parts.overhead)
      : parts.overhead,
  };
}

function mtpContext(model: Model, settings: LlamaCppSettings, placement: Placement): Beside {
  const parts = contextParts("MTP context", model, settings, placement, "mtp");
  const overhead = withHiddenStates("MTP context", model, model, settings, placement, parts.overhead);
  return { ...parts, weights: [], overhead };
}

function contextParts(
  name: string,
  model: Model,
  settings: LlamaCppSettings,
  placement: Placement,
  layers: "own" | "mtp",
  target?: Target,
): Omit<Beside, "weights"> {
  refuseCacheTypes(model, settings);
  const cells = cellsOf(settings, batchFitsContext(model));
  const cached: readonly CachedLayer[] = layers === "mtp" ? mtpLayers(model) : cachedLayers(model);
  const pool = layers === "mtp" ? mtpCells(cells) : cells;
  const byDevice: readonly DeviceCaches[] | null = deviceCaches(model, settings, pool, placement, cached);
  const caches = byDevice?.flatMap((each) => each.caches) ?? [];
  const certainty = layers === "mtp" ? certaintyOf(PROVEN_MTP, model) : certaintyOf(PROVEN_ARCHITECTURES, model);
  const drawn = layers === "mtp" ? asModelOf(model, cached) : model;
  const cacheBytes = caches.reduce((sum, { bytes }) => sum + bytes, 0);
  const places = placeTensors(drawn, settings, placement);
  const subject = { model: drawn, settings, cells, placement, places, cacheBytes, ...(target && { target }) };
  // The graph of MTP blocks is not the model's own, and is not drawn.
  const { buffers, pools } =
    layers === "mtp"
      ? { buffers: formItems(drawn, settings, cells, placement, places, cacheBytes), pools: [] }
      : computeItems(subject);
  const overhead = overheadItems(drawn, settings, cells, placement, places, "derived");
  return {
    caches,
    cache: byDevice?.flatMap((each) => cacheItems(each.caches, each.device.name, certainty)).map(named(name)) ?? null,
    compute: buffers?.map((item) => named(name)(layers === "mtp" ? widened(item) : item)) ?? null,
    overhead: overhead && [...overhead, ...pools].map(named(name)),
  };
}

/**
 * The closed form of `compute.ts` was made for whole models. Of what the engine reserved for MTP blocks it was 0.30 to 1.06
 * (`conformance/llama-cpp/golden/mtp.json`), 0.48 for DeepSeek-V3's widths.
 */
function widened(item: MemoryItem): MemoryItem {
  return item.high === undefined ? item : { ...item, high: item.high * MTP_HIGH_FACTOR };
}

const MTP_HIGH_FACTOR = 2;

/** The blocks that the graph of an MTP context runs. */
function asModelOf(model: Model, cached: readonly CachedLayer[]): Model {
  const blocks = new Set(cached.map(({ block }) => block));
  const layers = model.layers
    .filter((_, block) => blocks.has(block))
    .map(({ index, mixer, feedForward, weightBytes }) => ({ index, mixer, feedForward, weightBytes }));
  return { ...model, layers };
}

/**
 * MTP blocks read the hidden state of every token of the main model's batch, put out one for each sequence, and are sampled
 * where they are computed.
 */
function withHiddenStates(
  name: string,
  target: Model,
  drafting: Model,
  settings: LlamaCppSettings,
  placement: Placement,
  items: readonly MemoryItem[] | null,
): readonly MemoryItem[] | null {
  const { sequences } = settings;
  const read = target.hiddenSize;
  const written = drafting.hiddenSize;
  if (items === null || read === null || written === null) return null;
  const batch = Math.min(settings.contextTokens, settings.batchTokens);
  const hidden = F32_BYTES * (read * batch + written * sequences);
  const sampled = F32_BYTES * sequences * (3 * (drafting.vocabularySize ?? 0) + 1);
  const more = [
    overhead(placement, `hidden states, ${batch} tokens`, hidden, HIDDEN_SOURCE),
    overhead(placement, "probabilities and candidates sampled by the backend", sampled, SAMPLING_SOURCE),
  ];
  return [...items, ...more.map(named(name))];
}

function overhead({ host }: Placement, label: string, bytes: number, source: string): MemoryItem {
  return { component: "overhead", label, device: host.name, bytes, certainty: "derived", source };
}

function named(name: string): (item: MemoryItem) => MemoryItem {
  return (item) => ({ ...item, label: `${name}: ${item.label}` });
}

function certaintyOf(proven: ReadonlySet<string>, { architecture }: Model): Certainty {
  return proven.has(architecture ?? "") ? "exact" : "derived";
}
