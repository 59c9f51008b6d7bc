import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import { cachedLayers } from "./cached-layers.ts";
import { type Cells, compressedCells } from "./cells.ts";

/** Position 4, shift 4, place in an image 8, and a bit for each of 256 sequences (`src/llama-kv-cells.h:489-524`). */
const CELL_BYTES = 48;

/** A cell in use is also in two ordered sets, whose nodes take 48 bytes each from glibc. */
const USED_CELL_BYTES = 96;

/** What the engine notes of each cell, in one list for every kind of cache and stream; more as they fill. */
export function cellListItem(model: Model, cells: Cells, { name }: Device): MemoryItem {
  const lists = new Map<string, number>();
  for (const { mixer } of cachedLayers(model)) {
    const attention = attentionPart(mixer);
    if (attention === undefined) continue;
    if (attention.kind === "attention" && (!attention.causal || attention.sharesCacheWith !== undefined)) continue;
    const { window, indexer } = attention;
    const ratio = attention.kind === "attention" ? attention.compression?.ratio : undefined;
    const full = ratio === undefined ? cells.full : compressedCells(cells.full, ratio);
    lists.set(JSON.stringify(window), cells.held(window));
    if (ratio !== undefined) lists.set(`compressed ${ratio}`, full);
    if (indexer !== undefined) lists.set(`index ${ratio}`, full);
  }
  const count = [...lists.values()].reduce((sum, each) => sum + each, 0) * cells.streams;
  return {
    component: "overhead",
    label: `list of ${count} cells, when all are in use`,
    device: name,
    bytes: count * (CELL_BYTES + USED_CELL_BYTES),
    certainty: "estimate",
    source: "llama.cpp 0.5.0 src/llama-kv-cells.h:489-524",
    low: count * CELL_BYTES,
    high: count * (CELL_BYTES + USED_CELL_BYTES),
  };
}
