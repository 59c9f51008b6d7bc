import type { FeedForward } from "../../model/feed-forward.ts";
import type { Model } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import type { TransformersSettings } from "./settings.ts";

const F32_BYTES = 4;

/**
 * Peak of one forward pass with fused attention: one layer is alive at a time, three vectors of hidden plus
 * intermediate width per token, and the logits of the last token in the model's type and in float32 (`generate`
 * computes no others). Low: one token at a time. High: a prompt as long as the context in one pass, plus 60 %.
 */
export function activationItem(model: Model, settings: TransformersSettings, elementBytes: number): MemoryItem | null {
  const { hiddenSize, vocabularySize } = model;
  if (hiddenSize === null || model.layers.length === 0) return null;
  // An encoder of images predicts no tokens.
  if (vocabularySize === null && model.causal) return null;
  const { contextTokens, sequences, devices } = settings;
  const intermediate = Math.max(0, ...model.layers.map((layer) => activeWidth(layer.feedForward)));
  const perToken = 3 * (hiddenSize + intermediate) * elementBytes;
  const logits = sequences * (vocabularySize ?? 0) * (elementBytes + F32_BYTES);
  const prompt = sequences * contextTokens * perToken + logits;
  return {
    component: "compute",
    label: `activations, a prompt of ${contextTokens} tokens`,
    device: devices[0]?.name ?? "CPU",
    bytes: prompt,
    certainty: "estimate",
    source: "closed form: one layer alive, logits of the last token",
    low: sequences * perToken + logits,
    high: Math.round(prompt * 1.6),
  };
}

function activeWidth(part: FeedForward): number {
  if (part.kind === "dense") return part.intermediateSize;
  if (part.kind === "experts") return part.expertsPerToken * part.expertIntermediateSize + part.sharedIntermediateSize;
  return 0;
}
