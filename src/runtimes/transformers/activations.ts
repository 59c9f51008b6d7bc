import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { type EncoderPass, encodedBytes, encoderBytes, encoderTokens } from "./forward-encoder.ts";
import { passOver } from "./forward-pass.ts";
import { highFactor } from "./forward-range.ts";
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
  const taken = whole ? `a prompt of ${prompt} tokens` : "one token, with a cache that grows";
  const moment = bytes === encoding ? `an encoder over ${encoder.tokens} tokens` : taken;
  const activations: MemoryItem = {
    component: "compute",
    label: `activations, ${moment}`,
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
