import type { AttentionMixer, LatentMixer, Mixer, RecurrentMixer } from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import { type CacheKind, cacheKind } from "./cache-kind.ts";
import { type Calls, callsOf, callsUntil } from "./calls.ts";
import { type Cells, chunkedCells, growingCells, rotatingCells } from "./cells.ts";
import { LAYOUTS, type Layout } from "./layouts.ts";
import type { MlxSettings } from "./settings.ts";
import { stateBytes } from "./states.ts";

const SOURCE = "mlx-lm 0.32.2 models/cache.py";

/** A layer's cache, and what it holds at most before that: more than in the end where a window rotates. */
export type MlxCache = LayerCache & { readonly mostBytes: number };

/** What a cache of keys and values is made of. */
type Rows = {
  /** Elements of one token, by the width of what is packed together: a head's key, a head's value. */
  readonly widths: readonly { readonly heads: number; readonly width: number }[];
  readonly packable: boolean;
  readonly name: string;
};

/** Caches of the main layers, or null where a layer's way of mixing is not known. */
export function layerCaches(
  model: Model,
  module: string,
  settings: MlxSettings,
  elementBytes: number,
): MlxCache[][] | null {
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  if (layers.length === 0 || layers.some(({ mixer }) => mixer.kind === "unknown" || mixer.kind === "cross"))
    return null;
  const layout = LAYOUTS.get(module) ?? {};
  const context = { layout, settings, calls: callsOf(settings), elementBytes };
  return layers.map((layer) => [
    ...attentionCaches(layer.mixer, cacheKind(model, module, layer, settings), context),
    ...states(recurrentPart(layer.mixer), context),
  ]);
}

type Context = {
  readonly layout: Layout;
  readonly settings: MlxSettings;
  readonly calls: readonly Calls[];
  readonly elementBytes: number;
};

function attentionCaches(mixer: Mixer, kind: CacheKind, context: Context): MlxCache[] {
  const attention = attentionPart(mixer);
  if (attention === undefined) return [];
  if (attention.kind === "attention" && (!attention.causal || attention.sharesCacheWith !== undefined)) return [];
  const copies = (attention.kind === "attention" ? attention.passes : attention.attentions) ?? 1;
  const grouped = mixer.kind === "parallel" || context.layout.grouped === true;
  const rows = rowsOf(attention, grouped, context.layout);
  return Array.from({ length: copies }, () => rows.map((each) => filled(each, kind, context))).flat();
}

/** Caches that a layer has two of, in a `CacheList`, are never packed. */
function rowsOf(attention: AttentionMixer | LatentMixer, grouped: boolean, layout: Layout): Rows[] {
  const { indexer } = attention;
  const several = indexer !== undefined || (attention.kind === "latent" && attention.attentions !== undefined);
  const index = indexer && {
    name: "index keys",
    packable: false,
    widths: [{ heads: layout.indexCopies ?? 1, width: indexer.keyDim }],
  };
  return [
    { name: "KV cache", packable: !grouped && !several, widths: widthsOf(attention, layout) },
    ...(index ? [index] : []),
  ];
}

function widthsOf(attention: AttentionMixer | LatentMixer, { expanded }: Layout): Rows["widths"] {
  if (attention.kind === "attention") {
    const { kvHeads, keyDim, valueDim } = attention;
    return [
      { heads: kvHeads, width: keyDim },
      { heads: kvHeads, width: valueDim },
    ];
  }
  const { heads, kvLoraRank, ropeDim, nopeDim, valueDim } = attention;
  if (expanded !== true) {
    return [
      { heads: 1, width: kvLoraRank },
      { heads: 1, width: ropeDim },
    ];
  }
  return [
    { heads, width: nopeDim + ropeDim },
    { heads, width: valueDim },
  ];
}

function filled(rows: Rows, kind: CacheKind, { settings, calls, elementBytes }: Context): MlxCache {
  const { sequences, kvBits, kvGroupSize, quantizedKvStart, contextTokens } = settings;
  const cells = cellsOf(kind, calls);
  const plain = rows.widths.reduce((sum, { heads, width }) => sum + heads * width * elementBytes, 0);
  const packs = kvBits !== undefined && rows.packable && kind.name === "growing" && contextTokens >= quantizedKvStart;
  const packed = packs
    ? rows.widths.reduce((sum, { heads, width }) => {
        const groups = width / kvGroupSize;
        return sum + heads * ((width * kvBits) / 8 + groups * 2 * elementBytes);
      }, 0)
    : plain;
  const unpacked = packs ? growingCells(callsUntil(calls, quantizedKvStart)).held : 0;
  const bytes = cells.held * packed * sequences;
  return {
    kind:
      kind.name === "growing"
        ? rows.name
        : `${rows.name}, ${kind.name === "rotating" ? "last" : "chunks of"} ${kind.tokens} tokens`,
    detail: `${cells.held} tokens x ${sequences}, ${packs ? `${kvBits}-bit` : `${elementBytes * 8}-bit`}`,
    bytes,
    mostBytes: Math.max(bytes, cells.most * packed * sequences, unpacked * plain * sequences),
    bytesPerToken: packed,
    source: SOURCE,
  };
}

function cellsOf(kind: CacheKind, calls: readonly Calls[]): Cells {
  if (kind.name === "growing") return growingCells(calls);
  if (kind.name === "chunked") return chunkedCells(calls, kind.tokens);
  return rotatingCells(calls, kind.tokens, kind.kept);
}

function states(recurrent: RecurrentMixer | undefined, { layout, settings, elementBytes }: Context): MlxCache[] {
  if (recurrent === undefined) return [];
  const bytes = stateBytes(recurrent, layout, elementBytes) * settings.sequences;
  return [
    {
      kind: "recurrent state",
      detail: `${settings.sequences} sequences`,
      bytes,
      mostBytes: bytes,
      bytesPerToken: 0,
      source: SOURCE,
    },
  ];
}
