import type { RecurrentMixer } from "../../model/mixer.ts";
import { recurrentPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import { type CacheKind, cacheKind } from "./cache-kind.ts";
import { callsOf, callsUntil } from "./calls.ts";
import { type Cells, chunkedCells, growingCells, rotatingCells } from "./cells.ts";
import { LAYOUTS, type Layout } from "./layouts.ts";
import { packedBytes, plainBytes, type Rows, rowsOf } from "./rows.ts";
import type { MlxSettings } from "./settings.ts";
import { stateBytes } from "./states.ts";
import { MLX_LM_VERSION } from "./version.ts";

const SOURCE = `mlx-lm ${MLX_LM_VERSION} models/cache.py`;

/** A layer's cache, and what it holds at most before that: more than in the end where a window rotates. */
export type MlxCache = LayerCache & { readonly mostBytes: number };

/** Caches of the main layers, or null where a layer's way of mixing is not known. */
export function layerCaches(
  model: Model,
  module: string,
  settings: MlxSettings,
  elementBytes: number,
): MlxCache[][] | null {
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  const unknown = layers.some(({ mixer }) => mixer.kind === "unknown" || mixer.kind === "cross");
  if (layers.length === 0 || unknown) return null;
  const layout = LAYOUTS.get(module) ?? {};
  const room = roomOf(settings);
  return layers.map((layer) => {
    const kind = cacheKind(model, module, layer, settings);
    const recurrent = recurrentPart(layer.mixer);
    return [
      ...rowsOf(layer.mixer, layout).map((rows) => tokenCache(rows, kind, room, settings, elementBytes)),
      ...(recurrent === undefined ? [] : [stateCache(recurrent, layout, settings, elementBytes)]),
    ];
  });
}

/** Tokens that the layers have room for: the same in all that are of one kind. */
type Room = {
  readonly of: (kind: CacheKind) => Cells;
  /** What a growing cache has when it is packed. */
  readonly whenPacked: () => number;
};

function roomOf(settings: MlxSettings): Room {
  const calls = callsOf(settings);
  const known = new Map<string, Cells>();
  const counted = (kind: CacheKind): Cells => {
    if (kind.name === "growing") return growingCells(calls);
    if (kind.name === "chunked") return chunkedCells(calls, kind.tokens);
    return rotatingCells(calls, kind.tokens, kind.kept);
  };
  return {
    of: (kind) => {
      const key = JSON.stringify(kind);
      const cells = known.get(key) ?? counted(kind);
      known.set(key, cells);
      return cells;
    },
    whenPacked: () => growingCells(callsUntil(calls, settings.quantizedKvStart)).held,
  };
}

function tokenCache(rows: Rows, kind: CacheKind, room: Room, settings: MlxSettings, elementBytes: number): MlxCache {
  const { sequences, kvBits } = settings;
  const { held, most } = room.of(kind);
  const plain = plainBytes(rows, elementBytes);
  const packs =
    rows.packing === "possible" && kind.name === "growing" && settings.contextTokens >= settings.quantizedKvStart;
  const bits = packs ? kvBits : undefined;
  const row = bits === undefined ? plain : packedBytes(rows, bits, settings, elementBytes);
  const plainCells = bits === undefined ? 0 : room.whenPacked();
  return {
    kind: `${rows.name}${WINDOWS[kind.name]}${kind.name === "growing" ? "" : `${kind.tokens} tokens`}`,
    detail: `${held} tokens x ${sequences}, ${bits ?? elementBytes * 8}-bit`,
    bytes: held * row * sequences,
    mostBytes: Math.max(most * row, plainCells * plain) * sequences,
    bytesPerToken: row,
    source: SOURCE,
  };
}

const WINDOWS: { readonly [name in CacheKind["name"]]: string } = {
  growing: "",
  rotating: ", last ",
  chunked: ", chunks of ",
};

function stateCache(
  recurrent: RecurrentMixer,
  layout: Layout,
  { sequences }: MlxSettings,
  elementBytes: number,
): MlxCache {
  const bytes = stateBytes(recurrent, layout, elementBytes) * sequences;
  const detail = `${sequences} sequence${sequences === 1 ? "" : "s"}`;
  return { kind: "recurrent state", detail, bytes, mostBytes: bytes, bytesPerToken: 0, source: SOURCE };
}
