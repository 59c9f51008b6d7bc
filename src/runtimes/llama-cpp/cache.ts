import type { AttentionMixer, AttentionWindow, LatentMixer, Mixer, RecurrentMixer } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import { padTo } from "../pad.ts";
import { rowBytes } from "./cache-type.ts";
import type { Cells } from "./cells.ts";
import type { LlamaCppSettings } from "./settings.ts";

/** Row widths of one attention cache, in elements; `value` is 0 where the engine keeps keys only. */
type CacheWidths = { readonly key: number; readonly value: number; readonly window: AttentionWindow };

const KV_SOURCE = "llama.cpp 0.5.0 src/llama-kv-cache.cpp:197-220";
const RECURRENT_SOURCE = "llama.cpp 0.5.0 src/llama-memory-recurrent.cpp:96-108";

/**
 * Caches of the main layers, one list per layer (MTP layers keep none in the main context), or null where a layer's
 * way of mixing is not known.
 */
export function layerCaches(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  alignment: number,
): LayerCache[][] | null {
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  if (layers.length === 0 || layers.some((layer) => layer.mixer.kind === "unknown" || layer.mixer.kind === "cross"))
    return null;
  const valueWidth = paddedValueWidth(
    layers.map((layer) => layer.mixer),
    settings,
  );
  return layers.map(({ mixer }) => [
    ...attentionCaches(mixer, settings, cells, valueWidth),
    ...recurrentStates(mixer, settings, alignment),
  ]);
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

function attentionCaches(
  mixer: Mixer,
  settings: LlamaCppSettings,
  cells: Cells,
  padded: number | undefined,
): LayerCache[] {
  const widths = cacheWidths(mixer);
  if (widths === undefined) return [];
  const { window } = widths;
  const cellCount = window.kind === "none" ? cells.full : cells.sliding(window.tokens);
  const valueElements = widths.value === 0 ? 0 : (padded ?? widths.value);
  const bytesPerCell = rowBytes(settings.cacheTypeK, widths.key) + rowBytes(settings.cacheTypeV, valueElements);
  const kind =
    widths.value === 0
      ? "latent cache"
      : window.kind === "none"
        ? "KV cache"
        : `KV cache, ${window.kind} ${window.tokens}`;
  const types = [
    settings.cacheTypeK,
    ...(widths.value === 0 || settings.cacheTypeV === settings.cacheTypeK ? [] : [settings.cacheTypeV]),
  ];
  const streams = cells.streams === 1 ? "" : ` x ${cells.streams} streams`;
  return [
    {
      kind,
      detail: `${cellCount} cells${streams}, ${types.join("/")}`,
      bytes: bytesPerCell * cellCount * cells.streams,
      bytesPerToken: bytesPerCell,
      source: KV_SOURCE,
    },
  ];
}

/** Undefined where the mixer keeps no keys: encoders, layers that reuse another's cache, recurrences. */
function cacheWidths(mixer: Mixer): CacheWidths | undefined {
  switch (mixer.kind) {
    case "attention":
      return attentionWidths(mixer);
    case "parallel":
      return attentionWidths(mixer.attention);
    case "latent":
      return latentWidths(mixer);
    default:
      return undefined;
  }
}

function attentionWidths(mixer: AttentionMixer): CacheWidths | undefined {
  if (!mixer.causal || mixer.sharesCacheWith !== undefined) return undefined;
  return { key: mixer.kvHeads * mixer.keyDim, value: mixer.kvHeads * mixer.valueDim, window: mixer.window };
}

/**
 * With split up-projections llama.cpp attends in latent space and caches one row of rank + rotary dims, keys only;
 * otherwise the expanded heads.
 */
function latentWidths(mixer: LatentMixer): CacheWidths {
  const { heads, kvLoraRank, nopeDim, ropeDim, valueDim, window } = mixer;
  return mixer.upProjection === "absorbed"
    ? { key: kvLoraRank + ropeDim, value: 0, window }
    : { key: heads * (nopeDim + ropeDim), value: heads * valueDim, window };
}

/** State tensors are f32, one row per sequence, each padded to the buffer's alignment. */
function recurrentStates(mixer: Mixer, settings: LlamaCppSettings, alignment: number): LayerCache[] {
  const recurrent: RecurrentMixer | undefined =
    mixer.kind === "recurrent" ? mixer : mixer.kind === "parallel" ? mixer.recurrent : undefined;
  if (recurrent === undefined) return [];
  const bytes = recurrent.state.reduce((sum, { shape }) => {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    return sum + padTo(F32_BYTES * elements * settings.sequences, alignment);
  }, 0);
  const rows = settings.sequences === 1 ? "1 sequence" : `${settings.sequences} sequences`;
  return [{ kind: "recurrent state", detail: `${rows}, f32`, bytes, bytesPerToken: 0, source: RECURRENT_SOURCE }];
}

const F32_BYTES = 4;
