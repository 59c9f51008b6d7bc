import { InspectError } from "../../errors.ts";
import type { AttentionMixer } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import type { TransformersSettings } from "./settings.ts";

const SOURCE = "transformers 5.23.0 cache_utils.py, QuantoQuantizedLayer; optimum-quanto 0.2.7, WeightQBitsTensor";

/** Elements that share a scale and a shift (`q_group_size`). */
const GROUP_ELEMENTS = 64;

/** Tokens after the prompt that stay as they are until so many are together (`residual_length`). */
const RESIDUAL_TOKENS = 128;

/** A scale and a shift, of the type the model runs in. */
const NUMBERS_PER_GROUP = 2;

/** Refuses what the library does (`QuantizedCache`: full attention only), and groups that do not fill. */
export function checkQuantized(
  model: Model,
  settings: Pick<TransformersSettings, "contextTokens" | "newTokens">,
): void {
  for (const { mixer, index } of model.layers) {
    if (mixer.kind !== "attention" || mixer.window.kind !== "none" || mixer.sharesCacheWith !== undefined) {
      throw new InspectError(
        "unsupported-option",
        `a quantized cache takes layers with full attention only, and layer ${index} has another: choose "dynamic" or "static"`,
        { key: "cache" },
      );
    }
    const tokens = quantizedTokens(settings);
    for (const width of [mixer.kvHeads * mixer.keyDim, mixer.kvHeads * mixer.valueDim]) {
      if ((width * tokens) % GROUP_ELEMENTS === 0) continue;
      throw new InspectError(
        "invalid-option",
        `${tokens} tokens of ${width} elements do not make groups of ${GROUP_ELEMENTS}, which quantizing takes: choose another prompt`,
        { key: "contextTokens" },
      );
    }
  }
}

/** The prompt, and every whole lot of tokens after it. */
function quantizedTokens({
  contextTokens,
  newTokens,
}: Pick<TransformersSettings, "contextTokens" | "newTokens">): number {
  return contextTokens - (newTokens % RESIDUAL_TOKENS);
}

/** Keys and values in groups of 64 with few bits each, and the last tokens as they are. */
export function quantizedCache(
  mixer: AttentionMixer,
  settings: TransformersSettings,
  elementBytes: number,
): LayerCache {
  const { cacheBits, sequences, beams, contextTokens } = settings;
  const tokens = quantizedTokens(settings);
  const rows = sequences * beams;
  const widths = [mixer.kvHeads * mixer.keyDim, mixer.kvHeads * mixer.valueDim];
  const bytes = widths.reduce((sum, width) => {
    const groups = (rows * tokens * width) / GROUP_ELEMENTS;
    const packed = Math.ceil(groups / (8 / cacheBits)) * GROUP_ELEMENTS;
    const residual = rows * (contextTokens - tokens) * width * elementBytes;
    return sum + packed + groups * NUMBERS_PER_GROUP * elementBytes + residual;
  }, 0);
  const perElement = cacheBits / 8 + (NUMBERS_PER_GROUP * elementBytes) / GROUP_ELEMENTS;
  return {
    kind: "KV cache, quantized",
    detail: `${tokens} tokens of ${cacheBits} bits and ${contextTokens - tokens} as they are x ${rows}`,
    bytes,
    bytesPerToken: Math.ceil(widths.reduce((sum, width) => sum + width * perElement, 0)),
    source: SOURCE,
  };
}
