import type { Keys } from "../keys.ts";
import type { Architecture, MixerRule } from "./architecture.ts";
import { configAttention, ggufAttention } from "./attention-rules.ts";
import { whereAttention } from "./changed-attention.ts";
import { configFeedForward } from "./config-feed-forward.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { noWindow } from "./windows.ts";

type Passes = (keys: Keys) => (layer: number) => number;

/** Plain attention in layers that run several times for one token. */
function repeated(attention: MixerRule, passes: Passes): MixerRule {
  return whereAttention(attention, (keys) => {
    const passesOf = passes(keys);
    return (mixer, layer) => ({ ...mixer, passes: passesOf(layer) });
  });
}

/** Names of what a low and a high stack of as many layers each go by, in one format. */
type StackNames = { readonly layers: readonly string[]; readonly highCycles: string; readonly lowCycles: string };

const GGUF_STACKS: StackNames = {
  layers: ["hrm.layers_per_stack"],
  highCycles: "hrm.h_cycles",
  lowCycles: "hrm.l_cycles",
};

/** Once the class has counted the passes in `num_hidden_layers`, it notes the layers apart (HrmTextConfig, __post_init__). */
const CONFIG_STACKS: StackNames = {
  layers: ["num_layers_per_stack", "num_hidden_layers"],
  highCycles: "H_cycles",
  lowCycles: "L_cycles",
};

/**
 * In each high cycle the low stack runs so many low cycles, then the high one once; the engines read no blocks beyond
 * these two (src/models/hrm-text.cpp; modeling_hrm_text.py, HrmTextModel.forward).
 */
function stackPasses({ layers, highCycles, lowCycles }: StackNames): Passes {
  return (keys) => {
    const high = keys.integer(highCycles) ?? 0;
    const low = keys.integer(lowCycles) ?? 0;
    const perStack = keys.integer(...layers) ?? 0;
    return (layer) => {
      if (layer >= 2 * perStack) return 0;
      return layer < perStack ? high * low : high;
    };
  };
}

/** Blocks of both stacks; the usual key counts the passes. */
function bothStacks({ layers }: StackNames): (keys: Keys) => number | undefined {
  return (keys) => 2 * (keys.integer(...layers) ?? 0) || undefined;
}

/** Models that send a token through the same layers again: each pass has a cache of its own. */
export const looped: Architecture = {
  gguf: [
    {
      names: ["nanbeige"],
      mixer: repeated(ggufAttention(noWindow), (keys) => () => keys.integer("num_loops") ?? 1),
      feedForward: ggufFeedForward(),
    },
    {
      names: ["hrm_text"],
      mixer: repeated(ggufAttention(noWindow), stackPasses(GGUF_STACKS)),
      feedForward: ggufFeedForward(),
      blockCount: bothStacks(GGUF_STACKS),
    },
  ],
  config: [
    {
      modelTypes: ["hrm_text"],
      mixer: repeated(configAttention(noWindow), stackPasses(CONFIG_STACKS)),
      feedForward: configFeedForward,
      blockCount: bothStacks(CONFIG_STACKS),
    },
  ],
};
