import type { FeedForward } from "../../model/feed-forward.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import type { MlxCache } from "./cache.ts";
import { callsOf } from "./calls.ts";
import type { MlxSettings } from "./settings.ts";

/** What rotating and packed caches hold beyond their end while the prompt is read: exact arithmetic, as the caches are. */
export function promptCacheItems(caches: readonly MlxCache[], device: Device): MemoryItem[] {
  const bytes = caches.reduce((sum, cache) => sum + cache.mostBytes - cache.bytes, 0);
  if (bytes === 0) return [];
  return [
    {
      component: "compute",
      label: "caches while the prompt is read, beyond what they keep",
      device: device.name,
      bytes,
      certainty: "derived",
      source: "mlx-lm 0.32.2 models/cache.py, RotatingKVCache._update_concat and KVCache.to_quantized",
    },
  ];
}

/** Vectors of the hidden size alive for one token, and of the width between the matrices of its feed-forward part. */
const HIDDEN_VECTORS = { low: 8, middle: 12, high: 24 };
const WIDE_VECTORS = { low: 2, middle: 2, high: 4 };

/**
 * Peak of one step of the prompt: one layer is alive at a time, and where no kernel fuses the attention its scores. The
 * number of vectors was measured on the CPU backend (`docs/runtimes/mlx.md`); Metal frees them a few kernels later.
 */
export function activationItem(
  model: Model,
  settings: MlxSettings,
  device: Device,
  elementBytes: number,
): MemoryItem | null {
  const { hiddenSize, vocabularySize } = model;
  if (hiddenSize === null || vocabularySize === null || model.layers.length === 0) return null;
  const { sequences } = settings;
  const tokens = Math.max(...callsOf(settings).map((call) => call.tokens));
  const wide = Math.max(...model.layers.map((layer) => activeWidth(layer.feedForward, hiddenSize)));
  const vectors = (bound: keyof typeof HIDDEN_VECTORS): number =>
    sequences * tokens * (HIDDEN_VECTORS[bound] * hiddenSize + WIDE_VECTORS[bound] * wide) * elementBytes;
  const scores = sequences * scoreElements(model, settings, tokens) * elementBytes;
  const fused = device.kind !== "cpu" && settings.kvBits === undefined && model.layers.every(({ mixer }) => isFused(mixer));
  // The logits of one token, and their logarithms.
  const logits = 2 * sequences * vocabularySize * elementBytes;
  return {
    component: "compute",
    label: `activations, ${tokens} token${tokens === 1 ? "" : "s"} of the prompt at once`,
    device: device.name,
    bytes: vectors("middle") + (fused ? 0 : scores) + logits,
    certainty: "estimate",
    source: "closed form: one layer alive; mlx backend/metal/scaled_dot_product_attention.cpp, use_fallback",
    low: vectors("low") + logits,
    high: vectors("high") + (fused ? 0 : 2 * scores) + logits,
  };
}

/** Scores of all heads in the layer that sees most. */
function scoreElements(model: Model, { contextTokens }: MlxSettings, tokens: number): number {
  return Math.max(
    0,
    ...model.layers.map(({ mixer }) => {
      const attention = attentionPart(mixer);
      if (attention === undefined) return 0;
      const seen = attention.window.kind === "none" ? contextTokens : attention.window.tokens + tokens;
      return attention.heads * tokens * Math.min(seen, contextTokens);
    }),
  );
}

/** Head sizes of the kernels that keep no scores; the sizes 192 and 256 have one that most chips do not use. */
const FUSED_HEADS: ReadonlySet<number> = new Set([64, 72, 80, 96, 128]);

function isFused(mixer: Model["layers"][number]["mixer"]): boolean {
  const attention = attentionPart(mixer);
  if (attention === undefined) return true;
  return (
    attention.kind === "attention" && attention.keyDim === attention.valueDim && FUSED_HEADS.has(attention.keyDim)
  );
}

/** Experts take a copy of a token's vector each (`switch_layers.py`, SwitchGLU). */
function activeWidth(part: FeedForward, hiddenSize: number): number {
  if (part.kind === "dense") return part.intermediateSize;
  if (part.kind !== "experts") return 0;
  return part.expertsPerToken * (part.expertIntermediateSize + hiddenSize) + part.sharedIntermediateSize;
}
