import type { Keys } from "../keys.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { noWindow } from "./windows.ts";

/** Plain attention in layers that run several times for one token. */
function repeated(passes: (keys: Keys) => (layer: number) => number): MixerRule {
  return (keys) => {
    const mixerOf = ggufAttention(noWindow)(keys);
    const passesOf = passes(keys);
    return (layer) => {
      const mixer = mixerOf(layer);
      return typeof mixer !== "string" && mixer.kind === "attention" ? { ...mixer, passes: passesOf(layer) } : mixer;
    };
  };
}

/** A low and a high stack of as many layers each. */
function layersPerStack(keys: Keys): number {
  return keys.integer("hrm.layers_per_stack") ?? 0;
}

/**
 * In each high cycle the low stack runs `l_cycles` times, then the high one once; the engine reads no blocks beyond
 * these two (src/models/hrm-text.cpp).
 */
function stackPasses(keys: Keys): (layer: number) => number {
  const highCycles = keys.integer("hrm.h_cycles") ?? 0;
  const lowCycles = keys.integer("hrm.l_cycles") ?? 0;
  const low = layersPerStack(keys);
  return (layer) => {
    if (layer >= 2 * low) return 0;
    return layer < low ? highCycles * lowCycles : highCycles;
  };
}

/** Models that send a token through the same layers again: each pass has a cache of its own. */
export const looped: Architecture = {
  gguf: [
    {
      names: ["nanbeige"],
      mixer: repeated((keys) => () => keys.integer("num_loops") ?? 1),
      feedForward: ggufFeedForward(),
    },
    {
      names: ["hrm_text"],
      mixer: repeated(stackPasses),
      feedForward: ggufFeedForward(),
      // block_count counts the passes.
      blockCount: (keys) => 2 * layersPerStack(keys) || undefined,
    },
  ],
  config: [],
};
