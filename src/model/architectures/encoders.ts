import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { ggufPattern, noWindow, required, type WindowRule } from "./windows.ts";

/** Layers that look both ways. */
function encoder(names: readonly string[], window: WindowRule = noWindow, feedForward = ggufFeedForward()) {
  return { names, mixer: ggufAttention(window, { causal: false }), feedForward, causal: false };
}

/** The same with an output matrix, though an encoder of text has no use for it (`src/models/gemma-embedding.cpp:41`). */
function withOutput(names: readonly string[], window: WindowRule = noWindow) {
  return { ...encoder(names, window), outputFromEmbedding: true };
}

/** Every n-th layer, beginning with the second. */
function everyNth(keys: Keys): (layer: number) => boolean {
  const every = keys.integer("moe_every_n_layers") ?? 0;
  return (layer) => every > 0 && layer % every === 1;
}

/** GGUF architectures that look both ways and keep nothing between calls: encoders, and models that denoise text. */
export const encoders: Architecture = {
  gguf: [
    encoder(["neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert", "wavtokenizer-dec"]),
    encoder(["nomic-bert-moe"], noWindow, ggufFeedForward({ expertLayers: everyNth })),
    encoder(["modern-bert"], ggufPattern({ period: 3, denseFirst: true })),
    encoder(["llada-moe"]),
    withOutput(["gemma-embedding"], ggufPattern({ period: 6, window: required })),
    withOutput(["dream", "llada", "rnd1", "t5encoder"]),
  ],
  config: [],
};
