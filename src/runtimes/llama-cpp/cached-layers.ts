import type { Mixer } from "../../model/mixer.ts";
import type { Model, ModelLayer } from "../../model/model.ts";
import { ENCODERS_WITH_CACHE, MTP_LAYERS_CACHED, ROUTER_LAYER } from "./engine-facts.ts";

/** What the engine keeps a cache for, and the block whose device it lies on (`model.dev_layer`). */
export type CachedLayer = { readonly mixer: Mixer; readonly block: number };

/** Blocks as the engine counts them (`n_layer_all`): passes of looped layers, predicting layers and the encoder's included. */
export function blockCount(model: Model): number {
  const { layers, encoder, architecture } = model;
  const own =
    slotsOf(layers.filter(({ mtp }) => mtp !== true)).length + layers.filter(({ mtp }) => mtp === true).length;
  return Math.max(own, encoder?.layerCount ?? 0) + (ROUTER_LAYER.has(architecture ?? "") ? 1 : 0);
}

/**
 * Layers with a cache in the main context. Layers that predict further tokens have none there, but for a few
 * architectures, and where there are no other layers (`src/llama-model.cpp:2674`).
 */
export function cachedLayers(model: Model): CachedLayer[] {
  const { architecture, layers, layerCount, encoder } = model;
  const name = architecture ?? "";
  const cached = slotsOf(layers.filter(({ mtp }) => mtp !== true)).map(({ mixer }, block) => ({ mixer, block }));
  if (MTP_LAYERS_CACHED.has(name) || layerCount === 0) cached.push(...predictingLayers(model));
  const [last] = cached.slice(-1);
  // The encoder's blocks are the ones counted (`src/llama-kv-cache.cpp:102`).
  for (let block = layers.length; last !== undefined && block < (encoder?.layerCount ?? 0); block++) {
    cached.push({ mixer: last.mixer, block });
  }
  if (ENCODERS_WITH_CACHE.has(name)) return cached.map(({ mixer, block }) => ({ mixer: asCausal(mixer), block }));
  const [first] = cached;
  if (!ROUTER_LAYER.has(name) || first?.mixer.kind !== "attention") return cached;
  return [...cached, { mixer: { ...first.mixer, kvHeads: 1 }, block: cached.length }];
}

/** The layers that predict further tokens: their attention, without the state of a recurrence. */
export function predictingLayers({ layers }: Model): CachedLayer[] {
  return layers.flatMap(({ mixer, mtp }, block) =>
    mtp === true ? attentionAlone(mixer).map((attention) => ({ mixer: attention, block })) : [],
  );
}

/**
 * Layers in the order a token meets them. Looped models send it through their layers again, each time with a cache of its
 * own: in every cycle, each run of layers that loop alike is gone through as often as its share (`src/models/nanbeige.cpp`,
 * `hrm-text.cpp`).
 */
function slotsOf(layers: readonly ModelLayer[]): readonly ModelLayer[] {
  if (layers.every(({ mixer }) => passesOf(mixer) === 1)) return layers;
  const runs: ModelLayer[][] = [];
  for (const layer of layers) {
    const passes = passesOf(layer.mixer);
    if (passes === 0) continue;
    const run = runs.at(-1);
    if (run?.[0] !== undefined && passesOf(run[0].mixer) === passes) run.push(layer);
    else runs.push([layer]);
  }
  const passes = runs.map(([first]) => (first === undefined ? 0 : passesOf(first.mixer)));
  const cycles = Math.min(...passes);
  const cycle = runs.flatMap((run, index) => repeat(run, Math.floor((passes[index] ?? 0) / cycles)));
  return repeat(cycle, cycles);
}

function passesOf(mixer: Mixer): number {
  return mixer.kind === "attention" ? (mixer.passes ?? 1) : 1;
}

function repeat<Item>(items: readonly Item[], times: number): Item[] {
  return Array.from({ length: times }, () => items).flat();
}

function attentionAlone(mixer: Mixer): Mixer[] {
  if (mixer.kind === "parallel") return [mixer.attention];
  return mixer.kind === "recurrent" ? [] : [mixer];
}

function asCausal(mixer: Mixer): Mixer {
  return mixer.kind === "attention" ? { ...mixer, causal: true } : mixer;
}
