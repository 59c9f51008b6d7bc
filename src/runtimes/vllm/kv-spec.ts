import type { AttentionMixer, LatentMixer } from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model, ModelLayer } from "../../model/model.ts";
import type { CacheSettings } from "./cache-settings.ts";
import { localHeads } from "./shards.ts";
import { stateBytes } from "./state.ts";

/** How the cache of one layer is held: `v1/kv_cache_interface.py`, KVCacheSpec and its kinds. */
export type KvSpec = {
  /** Index of the layer in the model. */
  readonly layer: number;
  readonly kind: "full" | "sliding" | "chunked" | "latent" | "indexer" | "cross" | "state";
  /** Tokens of a block; of states the length of the context, since one block holds all of it. */
  readonly blockTokens: number;
  /** Bytes of one block of this layer, padding included. */
  readonly pageBytes: number;
  /** Bytes of one more token; 0 of states and of attention to an encoder. */
  readonly bytesPerToken: number;
  /** Past tokens seen, of `sliding` and `chunked`. */
  readonly window?: number;
  /** Blocks that one request holds, of states. */
  readonly states?: number;
  /** What else tells two specs of one kind apart: heads and their sizes, or bytes of a state. */
  readonly shape: string;
};

/** Bytes of one token in the packed formats of DeepSeek's sparse attention (`flashmla_sparse.py`): 512 fp8, 4 scales, 64 rotary bf16. */
const FP8_DS_MLA_BYTES = 656;

/** Bytes of an indexer's key beside its elements: one float32 scale for each 128 (`deepseek_v2.py`, DeepseekV32Attention). */
const SCALE_BYTES = 4;
const ELEMENTS_OF_A_SCALE = 128;

/** Model types whose latents vLLM expands to heads before it caches them (`minicpm3.py`, MiniCPM3Attention). */
const EXPANDED: ReadonlySet<string> = new Set(["minicpm3"]);

/** Specs of every layer that caches, in the order in which vLLM makes its layers; null where one is not known. */
export function kvSpecs(model: Model, settings: CacheSettings): readonly KvSpec[] | null {
  const layers = model.layers.filter((layer) => layer.mtp !== true || settings.speculativeTokens > 0);
  if (layers.length === 0 || !layers.every(isKnown)) return null;
  return layers.flatMap((layer) => layerSpecs(layer, settings, EXPANDED.has(model.architecture ?? "")));
}

/** Compressed caches (DeepSeek-V4), windows over latents and loops have specs of their own, which are not computed here. */
function isKnown({ mixer }: ModelLayer): boolean {
  if (mixer.kind === "unknown") return false;
  const attention = attentionPart(mixer);
  if (attention?.kind === "latent") return attention.window.kind === "none";
  if (recurrentPart(mixer)?.family === "rwkv") return false;
  return (
    attention === undefined ||
    (attention.compression === undefined && attention.indexer === undefined && attention.sharedKeyValue !== true)
  );
}

function layerSpecs(layer: ModelLayer, settings: CacheSettings, expanded: boolean): KvSpec[] {
  const { index, mixer, cross } = layer;
  const attention = attentionPart(mixer);
  const recurrent = recurrentPart(mixer);
  const crossing = mixer.kind === "cross" ? mixer : cross;
  return [
    // Falcon-H1 makes its recurrence before its attention (`falcon_h1.py`, FalconH1ParallelHybrid).
    ...(recurrent === undefined ? [] : [stateSpec(index, stateBytes(recurrent, settings), recurrent.family, settings)]),
    ...(attention === undefined ? [] : attentionSpecs(index, attention, settings, expanded)),
    ...(crossing === undefined ? [] : [headsSpec(index, "cross", crossing, settings)]),
  ];
}

function attentionSpecs(
  layer: number,
  attention: AttentionMixer | LatentMixer,
  settings: CacheSettings,
  expanded: boolean,
): KvSpec[] {
  if (attention.kind === "latent") {
    return expanded
      ? [headsSpec(layer, "full", expandedHeads(attention), settings)]
      : latentSpecs(layer, attention, settings);
  }
  if (!attention.causal || attention.sharesCacheWith !== undefined || attention.readsTargetCache) return [];
  const { window } = attention;
  const spec =
    window.kind === "none"
      ? headsSpec(layer, "full", attention, settings)
      : { ...headsSpec(layer, window.kind, attention, settings), window: window.tokens };
  // A layer that runs several times for a token has a cache for each.
  return Array.from({ length: attention.passes ?? 1 }, () => spec);
}

/** Values are padded to the width of keys. */
function expandedHeads({ heads, nopeDim, ropeDim }: LatentMixer): Heads {
  return { kvHeads: heads, keyDim: nopeDim + ropeDim, valueDim: nopeDim + ropeDim };
}

type Heads = { readonly kvHeads: number; readonly keyDim: number; readonly valueDim: number };

function headsSpec(layer: number, kind: KvSpec["kind"], heads: Heads, settings: CacheSettings): KvSpec {
  const { blockTokens, elementBytes, tensorParallel } = settings;
  const { keyDim, valueDim } = heads;
  const kvHeads = localHeads(heads.kvHeads, tensorParallel);
  const tokenBytes = kvHeads * (keyDim + valueDim) * elementBytes;
  return {
    layer,
    kind,
    blockTokens,
    pageBytes: blockTokens * tokenBytes,
    bytesPerToken: kind === "cross" ? 0 : tokenBytes,
    shape: `${kvHeads} x ${keyDim} + ${valueDim}`,
  };
}

/** One latent row for all heads, the same on every rank, and a key of the indexer beside it. */
function latentSpecs(layer: number, mixer: LatentMixer, settings: CacheSettings): KvSpec[] {
  const width = mixer.kvLoraRank + mixer.ropeDim;
  const packed = settings.packedLatents;
  const rows: KvSpec[] = Array.from({ length: mixer.attentions ?? 1 }, () =>
    rowSpec(layer, "latent", packed ? FP8_DS_MLA_BYTES : width * settings.elementBytes, settings),
  );
  if (mixer.indexer === undefined) return rows;
  const { keyDim } = mixer.indexer;
  const keyBytes = keyDim + Math.floor(keyDim / ELEMENTS_OF_A_SCALE) * SCALE_BYTES;
  return [...rows, rowSpec(layer, "indexer", keyBytes, settings)];
}

function rowSpec(layer: number, kind: "latent" | "indexer", bytes: number, { blockTokens }: CacheSettings): KvSpec {
  return { layer, kind, blockTokens, pageBytes: blockTokens * bytes, bytesPerToken: bytes, shape: `${bytes}` };
}

function stateSpec(layer: number, bytes: number, family: string, settings: CacheSettings): KvSpec {
  const checkpoint = settings.alignedStates && settings.checkpointed.has(family) ? 1 : 0;
  return {
    layer,
    kind: "state",
    blockTokens: settings.alignedStates ? settings.blockTokens : settings.contextTokens,
    pageBytes: settings.statePageBytes ?? bytes,
    bytesPerToken: 0,
    states: (settings.alignedStates ? 2 : 1) + settings.speculativeTokens + checkpoint,
    shape: `${family} ${bytes}`,
  };
}
