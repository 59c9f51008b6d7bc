import type { AttentionMixer, Compression } from "../../model/mixer.ts";
import type { LayerCache } from "../layer-cache.ts";
import type { TransformersSettings } from "./settings.ts";

const SOURCE = "transformers 5.23.0 modeling_deepseek_v4.py, DeepseekV4HCACache and DeepseekV4CSACache";

/** Positions are added to the scores of a run in float32, and the scores stay in it (DeepseekV4CSACompressor). */
const SCORE_BYTES = 4;

/** Rows that stand for several tokens, and what their compressors hold between calls. */
export function compressedCaches(
  { compression, keyDim, indexer }: AttentionMixer,
  settings: TransformersSettings,
  elementBytes: number,
): LayerCache[] {
  if (compression === undefined) return [];
  const { contextTokens, beams } = settings;
  const sequences = settings.sequences * beams;
  const { ratio } = compression;
  const rows = Math.floor(contextTokens / ratio);
  const bytesPerRow = (keyDim + (indexer?.keyDim ?? 0)) * elementBytes;
  return [
    {
      kind: `compressed cache, 1 row for ${ratio} tokens`,
      detail: `${rows} rows x ${sequences}, ${elementBytes * 8}-bit`,
      bytes: bytesPerRow * rows * sequences,
      bytesPerToken: Math.ceil(bytesPerRow / ratio),
      source: SOURCE,
    },
    {
      kind: "compressor state",
      detail: `${sequences} sequences`,
      bytes: stateBytes(compression, contextTokens, elementBytes) * sequences,
      bytesPerToken: 0,
      source: SOURCE,
    },
  ];
}

/**
 * Tokens of the run that is not finished, with their scores; of overlapping runs also the half of the last one that the
 * next row takes in.
 */
function stateBytes({ ratio, state }: Compression, contextTokens: number, elementBytes: number): number {
  const pending = contextTokens % ratio;
  return state.reduce((sum, [held = 0, width = 0]) => {
    const overlap = contextTokens < ratio ? 0 : (held - ratio) * (width / 2);
    return sum + 2 * pending * width * elementBytes + overlap * (elementBytes + SCORE_BYTES);
  }, 0);
}
