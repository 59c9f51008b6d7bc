import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import { activationPeak } from "./activations.ts";
import { FAMILIES } from "./families.ts";
import { isMixed, type TrainingSettings } from "./settings.ts";

/** How far a run may be from what was computed. */
type Spread = { readonly low: number; readonly high: number; readonly source: string };

const FOLLOWED =
  "a step followed operator by operator: torch 2.15.0 tools/autograd/derivatives.yaml, transformers 5.23.0 modeling files (docs/runtimes/training.md)";

/** Of families that were read: on a CPU the runs of `conformance/training` were within it, of a GPU there is no run. */
const READ: { readonly [kind in Device["kind"]]: Spread } = {
  cpu: { low: 0.95, high: 1.05, source: `${FOLLOWED}; runs on a CPU within 5 %` },
  cuda: { low: 0.9, high: 1.15, source: `${FOLLOWED}; runs on a CPU within 5 %, kernels of a GPU not run` },
  metal: { low: 0.9, high: 1.15, source: `${FOLLOWED}; runs on a CPU within 5 %, kernels of a GPU not run` },
};
const EXPERTS: Spread = { low: 0.8, high: 1.3, source: `${FOLLOWED}; experts as one grouped product` };
const NOT_READ: Spread = { low: 0.6, high: 1.7, source: `${FOLLOWED}, of llama with this model's modules` };
const BY_WIDTH: Spread = {
  low: 0.3,
  high: 3,
  source: "34 x tokens x hidden size a layer (arXiv:2205.05198) and logits",
};

/** What a step has in memory beside weights, gradients and optimizer states; null for a model without widths. */
export function activationItems(model: Model, settings: TrainingSettings): readonly MemoryItem[] | null {
  const followed = activationPeak(model, settings);
  const byWidth = followed === null ? bytesByWidth(model, settings) : null;
  const peak = followed ?? (byWidth === null ? null : { beside: byWidth, whole: byWidth });
  if (peak === null) return null;
  const { microBatch, sequenceTokens, checkpointing, attention } = settings;
  const words = [`${microBatch} x ${sequenceTokens} tokens`, attention, ...(checkpointing ? ["layers run again"] : [])];
  return settings.devices.map((device) => {
    const { low, high, source } = followed === null ? BY_WIDTH : spreadOf(model, device);
    return {
      component: "compute",
      label: `activations, ${words.join(", ")}`,
      device: device.name,
      // Heads that key-value heads do not divide, which no model trains with, leave fractions.
      bytes: Math.ceil(peak.beside),
      certainty: "estimate",
      source,
      // Gradients are known: what may be off are the activations.
      low: Math.max(0, Math.floor(peak.beside - (1 - low) * peak.whole)),
      high: Math.ceil(peak.beside + (high - 1) * peak.whole),
    };
  });
}

function spreadOf({ architecture, layers }: Model, { kind }: Device): Spread {
  if (layers.some(({ feedForward }) => feedForward.kind === "experts")) return EXPERTS;
  return FAMILIES.has(architecture ?? "") ? READ[kind] : NOT_READ;
}

/** Bytes that a layer keeps of one element of the hidden state, in 16 bits, without scores. */
const LAYER_BYTES = 34;
/** Of one logit: logarithm of probability, gradient of it and of the logit, in float32. */
const LOGIT_BYTES = 12;

/** Of one score of a token with another, computed without the fused kernel. */
const SCORE_BYTES = 5;

function bytesByWidth(model: Model, settings: TrainingSettings): number | null {
  const { hiddenSize, vocabularySize, attentionHeads } = model;
  const layers = model.layers.length + (model.encoder?.layerCount ?? 0);
  if (hiddenSize === null || layers === 0) return null;
  const rows = settings.microBatch * settings.sequenceTokens;
  const heads = Math.max(0, ...[attentionHeads ?? 0].flat());
  const scores = settings.attention === "eager" ? SCORE_BYTES * heads * settings.sequenceTokens : 0;
  const width = settings.precision === "bfloat16" || isMixed(settings) ? 2 : 4;
  const whole = (rows * (hiddenSize * LAYER_BYTES + scores) * width) / 2;
  const kept = settings.checkpointing ? layers * rows * hiddenSize * width + whole : layers * whole;
  return kept + rows * (vocabularySize ?? 0) * LOGIT_BYTES;
}
