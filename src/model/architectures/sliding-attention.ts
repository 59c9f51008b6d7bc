import type { Architecture, GgufRules, MixerRule } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { ggufFeedForward, interleavedExperts } from "./feed-forward-rules.ts";
import { ggufMarked, ggufPattern, noWindow, required, sliding, type WindowRule } from "./windows.ts";

const leadingDense = ggufFeedForward({ leadingDense: true });

/** Attention with a window, and feed-forward parts by the usual keys unless said otherwise. */
function windowed(names: readonly string[], window: WindowRule, feedForward = ggufFeedForward()): GgufRules {
  return { names, mixer: ggufAttention(window), feedForward };
}

/** Only the model of 64 layers slides (src/models/exaone4.cpp). */
const exaone4: MixerRule = (keys) => {
  const layers = (keys.integer("block_count") ?? 0) - (keys.integer("nextn_predict_layers") ?? 0);
  const window = ggufPattern({ period: 4, window: (tokens = 4096) => required(tokens) });
  return ggufAttention(layers === 64 ? window : noWindow)(keys);
};

/** GGUF architectures told apart by where their windows are: which layers slide, and what an absent window means. */
export const slidingAttention: Architecture = {
  gguf: [
    windowed(["cohere2", "muse-glimmer"], ggufPattern({ period: 4, window: required })),
    windowed(["exaone-moe"], ggufPattern({ period: 4, window: required }), leadingDense),
    windowed(["olmo2", "mellum"], ggufPattern({ period: 4 })),
    windowed(["afmoe"], ggufPattern({ period: 4 }), leadingDense),
    windowed(["plamo3"], ggufPattern({ period: 8 })),
    windowed(["cohere2moe"], ggufPattern({ period: 4, denseFirst: true, window: required }), leadingDense),
    windowed(["laguna"], ggufPattern({ period: 4, denseFirst: true }), leadingDense),
    // The window of the file says whether there is one; it is 4096 then.
    windowed(
      ["smallthinker"],
      ggufPattern({ period: 4, denseFirst: true, window: (tokens) => sliding(tokens && 4096) }),
    ),
    windowed(["granite_swa", "maple", "spark2_5"], ggufMarked),
    { ...windowed(["mimo2", "step35"], ggufMarked), expertLayersByTensors: true },
    { names: ["exaone4"], mixer: exaone4, feedForward: ggufFeedForward() },
    // Chunks of 8192, unless the file says there are none.
    windowed(
      ["llama4"],
      ggufPattern({ period: 4, window: (tokens) => (tokens === 0 ? sliding(0) : { kind: "chunked", tokens: 8192 }) }),
      ggufFeedForward({ expertLayers: interleavedExperts, sharedAsWide: true }),
    ),
  ],
  config: [],
};
