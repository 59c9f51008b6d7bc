import type { FeedForward } from "../../model/feed-forward.ts";
import type { AttentionMixer, LatentMixer, Mixer } from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import { activeWidth } from "../active-width.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import type { MlxCache } from "./cache.ts";
import { callsOf } from "./calls.ts";
import type { MlxSettings } from "./settings.ts";
import { MLX_LM_VERSION } from "./version.ts";

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
      source: `mlx-lm ${MLX_LM_VERSION} models/cache.py, RotatingKVCache._update_concat and KVCache.to_quantized`,
    },
  ];
}

/** Vectors of the hidden size alive for one token, and of the width between the matrices of its feed-forward part. */
const HIDDEN_VECTORS = { low: 8, middle: 12, high: 24 };
const WIDE_VECTORS = { low: 2, middle: 2, high: 4 };

/** `prefill_batch_size` of `generate.py`, BatchGenerator. */
const PROMPTS_AT_ONCE = 8;

/** Copies of what attention and recurrences make of a whole step where no kernel keeps it to itself. */
const UNFUSED_COPIES = { low: 0, middle: 1.5, high: 2 };

/**
 * Peak of one step of the prompt: one layer is alive at a time, and where no kernel fuses it the scores of its attention or
 * the states of its recurrence after each token. The numbers of copies were measured on the CPU backend
 * (`docs/runtimes/mlx.md`).
 */
export function activationItem(
  model: Model,
  settings: MlxSettings,
  device: Device,
  elementBytes: number,
): MemoryItem | null {
  const { hiddenSize, vocabularySize, layers } = model;
  if (hiddenSize === null || vocabularySize === null || layers.length === 0) return null;
  const tokens = Math.max(...callsOf(settings).map((call) => call.tokens));
  const wide = Math.max(...layers.map((layer) => wideElements(layer.feedForward, hiddenSize)));
  const packed = settings.kvBits !== undefined;
  const unfused = Math.max(...layers.map(({ mixer }) => unfusedElements(mixer, settings, tokens, device, packed)));
  const atOnce = Math.min(settings.sequences, PROMPTS_AT_ONCE);
  // The logits of one token, and their logarithms.
  const logits = 2 * vocabularySize;
  const bound = (name: keyof typeof HIDDEN_VECTORS): number => {
    const vectors = tokens * (HIDDEN_VECTORS[name] * hiddenSize + WIDE_VECTORS[name] * wide);
    return Math.ceil(atOnce * (vectors + UNFUSED_COPIES[name] * unfused + logits) * elementBytes);
  };
  return {
    component: "compute",
    label: `activations, ${tokens} token${tokens === 1 ? "" : "s"} of the prompt at once`,
    device: device.name,
    bytes: bound("middle"),
    certainty: "estimate",
    source: "closed form: one layer alive; mlx backend/metal/scaled_dot_product_attention.cpp, use_fallback",
    low: bound("low"),
    high: bound("high"),
  };
}

/** Scores of all heads, and states after every token, that are in memory at once. */
function unfusedElements(mixer: Mixer, settings: MlxSettings, tokens: number, device: Device, packed: boolean): number {
  const attention = attentionPart(mixer);
  const recurrent = recurrentPart(mixer);
  let elements = 0;
  if (attention !== undefined && (device.kind === "cpu" || packed || !isFused(attention))) {
    const { promptTokens } = settings;
    const seen = attention.window.kind === "none" ? promptTokens : attention.window.tokens + tokens;
    elements += attention.heads * tokens * Math.min(seen, promptTokens);
  }
  if (recurrent !== undefined && (device.kind === "cpu" || !FUSED_FAMILIES.has(recurrent.family))) {
    const states = recurrent.state.filter(({ name }) => name === "ssm" || name === "linear");
    elements += tokens * states.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
  }
  return elements;
}

/** Recurrences that Metal has a kernel for (`gated_delta.py`). */
const FUSED_FAMILIES: ReadonlySet<string> = new Set(["gated-delta-net", "kimi-delta-attention"]);

/** Head sizes of the kernels that keep no scores; the sizes 192 and 256 have one that most chips do not use. */
const FUSED_HEADS: ReadonlySet<number> = new Set([64, 72, 80, 96, 128]);

function isFused(attention: AttentionMixer | LatentMixer): boolean {
  return attention.kind === "attention" && attention.keyDim === attention.valueDim && FUSED_HEADS.has(attention.keyDim);
}

/** Experts take a copy of a token's vector each (`switch_layers.py`, SwitchGLU). */
function wideElements(part: FeedForward, hiddenSize: number): number {
  return activeWidth(part) + (part.kind === "experts" ? part.expertsPerToken * hiddenSize : 0);
}
