import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import { layerCaches } from "./cache.ts";
import { type LayerGrowth, peakBytes } from "./forward-peak.ts";
import { keptBySlices } from "./kept-slices.ts";
import type { TransformersSettings } from "./settings.ts";

export type PassBytes = {
  /** Most alive beside weights and what is held of caches afterwards, slices' storages included. */
  readonly peak: number;
  /** What caches hold afterwards, and what their slices keep alive beside that. */
  readonly cached: number;
  readonly kept: number;
};

/** Tokens of each sequence that a pass takes in, and that the cache holds afterwards. */
type Taken = { readonly tokens: number; readonly context: number };

/** One pass of `generate`: of the prompt, or of one token after it. */
export function passOver(
  model: Model,
  settings: TransformersSettings,
  elementBytes: number,
  { tokens, context }: Taken,
): PassBytes {
  const { sequences, beams, attention, cache, contextTokens } = settings;
  const after = settingsAt(settings, context);
  const caches = layerCaches(model, after, elementBytes) ?? [];
  const kept = keptBySlices(model, caches, after, tokens === context ? "prompt" : "token");
  const pass = {
    sequences: sequences * beams,
    tokens,
    // Eager attention scores every place of a static cache, also those that are not filled.
    context: cache === "static" && attention === "eager" ? contextTokens : context,
    elementBytes,
    eager: attention === "eager",
    quantized: cache === "quantized",
    beamSearch: beams > 1,
    onCpu: settings.devices[0]?.kind !== "cuda",
  };
  const held = caches.map((own, index) => bytesOf(own) + (kept[index] ?? 0));
  const growth = growthOf(model, settings, elementBytes, { tokens, context }, { caches, held });
  return { peak: peakBytes(model, pass, growth), cached: sum(caches.map(bytesOf)), kept: sum(kept) };
}

/** The workload when each sequence's cache holds `tokens`. */
function settingsAt(settings: TransformersSettings, tokens: number): TransformersSettings {
  const { contextTokens, newTokens, cache } = settings;
  const made = Math.max(0, tokens - (contextTokens - newTokens));
  return { ...settings, contextTokens: cache === "static" ? contextTokens : tokens, newTokens: made };
}

type Held = { readonly caches: readonly (readonly LayerCache[])[]; readonly held: readonly number[] };

function growthOf(
  model: Model,
  settings: TransformersSettings,
  elementBytes: number,
  { tokens, context }: Taken,
  { caches, held }: Held,
): LayerGrowth[] {
  if (settings.cache === "static") return held.map((bytes) => ({ before: bytes, after: bytes, growing: 0 }));
  if (tokens === context) return held.map((bytes) => ({ before: 0, after: bytes, growing: bytes }));
  const before = layerCaches(model, settingsAt(settings, context - tokens), elementBytes) ?? [];
  // Values of a quantized layer are made whole again, and then joined with those that are new.
  const whole =
    settings.cache === "quantized"
      ? layerCaches(model, { ...settingsAt(settings, context), cache: "dynamic" }, elementBytes)
      : null;
  return held.map((bytes, index) => ({
    before: bytesOf(before[index] ?? []),
    after: bytes,
    growing:
      whole === null
        ? joinedBytes(model, index, bytes - bytesOf((caches[index] ?? []).filter(isFixed)))
        : 2 * bytesOf(whole[index] ?? []),
  }));
}

/** One of keys and values is copied while both still stand; of a window, both. */
function joinedBytes({ layers }: Model, index: number, held: number): number {
  const mixer = layers[index]?.mixer;
  const attention = mixer && attentionPart(mixer);
  return attention?.window.kind === "none" ? held / 2 : held;
}

/** States, and what is held of an encoder. */
function isFixed({ bytesPerToken }: LayerCache): boolean {
  return bytesPerToken === 0;
}

function bytesOf(caches: readonly LayerCache[]): number {
  return sum(caches.map(({ bytes }) => bytes));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
