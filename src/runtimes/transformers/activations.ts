import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import type { LayerCache } from "../layer-cache.ts";
import { layerCaches } from "./cache.ts";
import { type EncoderPass, encodedBytes, encoderBytes, encoderTokens } from "./forward-encoder.ts";
import { type LayerGrowth, type Pass, peakBytes } from "./forward-peak.ts";
import { highFactor } from "./forward-range.ts";
import { keptBySlices } from "./kept-slices.ts";
import type { TransformersSettings } from "./settings.ts";

const SOURCE = "transformers 5.23.0 modeling files and generation/utils.py: tensors alive at each moment of a layer";

/**
 * Most that `generate` has alive at once beside weights and cache: of the pass that takes the prompt in, and of the one
 * that makes the last token. Low: tokens taken in one at a time.
 */
export function activationItems(
  model: Model,
  settings: TransformersSettings,
  elementBytes: number,
  device: Device,
  certainty: Certainty,
): MemoryItem[] | null {
  const { hiddenSize, vocabularySize } = model;
  if (hiddenSize === null || model.layers.length === 0) return null;
  // An encoder of images predicts no tokens.
  if (vocabularySize === null && model.causal) return null;
  const { contextTokens, newTokens } = settings;
  const prompt = contextTokens - newTokens;
  const filling = passOver(model, settings, elementBytes, { tokens: prompt, context: prompt });
  const decoding = passOver(model, settings, elementBytes, { tokens: 1, context: contextTokens });
  // The cache is counted at its end: what it has yet to grow is free while the prompt is taken in.
  const room = decoding.cached - filling.cached;
  const kept = Math.max(0, filling.kept - room);
  const prefill = Math.max(0, filling.peak - Math.max(0, room - filling.kept));
  const decode = decoding.peak + decoding.kept;
  const encoder: EncoderPass = {
    sequences: settings.sequences,
    tokens: encoderTokens(model, settings.promptTokens),
    elementBytes,
    eager: settings.attention === "eager",
  };
  const encoded = encodedBytes(model, encoder);
  const encoding = model.encoder === undefined ? 0 : encoderBytes(model, encoder) - decoding.cached;
  const whole = newTokens === 0 || prefill + kept >= decode;
  const bytes = Math.max(encoding, encoded + (whole ? prefill : decode));
  const activations: MemoryItem = {
    component: "compute",
    label:
      bytes === encoding
        ? `activations, an encoder over ${encoder.tokens} tokens`
        : whole
          ? `activations, a prompt of ${prompt} tokens`
          : "activations of one token, with a cache that grows",
    device: device.name,
    bytes,
    certainty: "estimate",
    source: SOURCE,
    low: Math.min(bytes, encoded + decode),
    high: Math.round(bytes * highFactor(model, settings)),
  };
  return whole && kept > 0
    ? [activations, keptItem(kept, device, newTokens === 0 ? certainty : "derived")]
    : [activations];
}

function keptItem(bytes: number, device: Device, certainty: Certainty): MemoryItem {
  return {
    component: "compute",
    label: "prompt kept by windows until the next token",
    device: device.name,
    bytes,
    certainty,
    source: "transformers 5.23.0 cache_utils.py, DynamicSlidingWindowLayer.update",
  };
}

type PassBytes = {
  /** Most alive beside weights and what is held of caches afterwards. */
  readonly peak: number;
  /** What caches hold afterwards, and what their slices keep alive beside that. */
  readonly cached: number;
  readonly kept: number;
};

function passOver(
  model: Model,
  settings: TransformersSettings,
  elementBytes: number,
  { tokens, context }: { readonly tokens: number; readonly context: number },
): PassBytes {
  const { sequences, beams, attention, cache, contextTokens } = settings;
  const fixed = cache === "static";
  const cachesAfter = (length: number) => {
    const made = Math.max(0, length - (contextTokens - settings.newTokens));
    const at = { ...settings, contextTokens: fixed ? contextTokens : length, newTokens: made };
    const caches = length === 0 ? [] : (layerCaches(model, at, elementBytes) ?? []);
    return { caches, at };
  };
  const after = cachesAfter(context);
  const before = cachesAfter(context - tokens);
  const kept = keptBySlices(model, after.caches, after.at, tokens === context ? "prompt" : "token");
  const quantized = cache === "quantized";
  // Values of a quantized layer are made whole again, and then joined with those that are new.
  const whole = quantized ? (layerCaches(model, { ...after.at, cache: "dynamic" }, elementBytes) ?? []) : [];
  const growing = (index: number, own: readonly LayerCache[], slices: number): number =>
    quantized ? 2 * bytesOf(whole[index] ?? []) : growingBytes(model, index, own, slices);
  const growth = after.caches.map((own, index): LayerGrowth => {
    const held = bytesOf(own) + (kept[index] ?? 0);
    const had = bytesOf(before.caches[index] ?? []);
    return {
      before: fixed ? held : had,
      after: held,
      growing: fixed ? 0 : had === 0 ? held : growing(index, own, kept[index] ?? 0),
    };
  });
  const pass: Pass = {
    sequences: sequences * beams,
    tokens,
    context: fixed && attention === "eager" ? contextTokens : context,
    elementBytes,
    eager: attention === "eager",
    quantized,
    beamSearch: beams > 1,
    onCpu: settings.devices[0]?.kind !== "cuda",
  };
  return { peak: peakBytes(model, pass, growth), cached: sum(after.caches.map(bytesOf)), kept: sum(kept) };
}

/** One of keys and values is copied while both still stand; of a window, both. */
function growingBytes({ layers }: Model, index: number, own: readonly LayerCache[], kept: number): number {
  const mixer = layers[index]?.mixer;
  const attention = mixer && attentionPart(mixer);
  const growing = bytesOf(own.filter(({ bytesPerToken }) => bytesPerToken > 0)) + kept;
  return attention?.window.kind === "none" ? growing / 2 : growing;
}

function bytesOf(caches: readonly LayerCache[]): number {
  return sum(caches.map(({ bytes }) => bytes));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
