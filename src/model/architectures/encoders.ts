import type { Keys } from "../keys.ts";
import type { Architecture } from "./architecture.ts";
import { ggufAttention } from "./attention-rules.ts";
import { ggufFeedForward } from "./feed-forward-rules.ts";
import { ggufPattern, noWindow, required, type WindowRule } from "./windows.ts";

/** Layers that look both ways. */
function encoder(names: readonly string[], window: WindowRule = noWindow, feedForward = ggufFeedForward()) {
  return { names, mixer: ggufAttention(window, { causal: false }), feedForward, causal: false };
}

/** Every n-th layer, beginning with the second. */
function everyNth(keys: Keys): (layer: number) => boolean {
  const every = keys.integer("moe_every_n_layers") ?? 0;
  return (layer) => every > 0 && layer % every === 1;
}

/** GGUF architectures that look both ways and keep nothing between calls: encoders, and models that denoise text. */
export const encoders: Architecture = {
  gguf: [
    encoder(["neo-bert", "jina-bert-v2", "jina-bert-v3", "eurobert", "wavtokenizer-dec", "t5encoder"]),
    encoder(["nomic-bert-moe"], noWindow, ggufFeedForward({ expertLayers: everyNth })),
    encoder(["modern-bert"], ggufPattern({ period: 3, denseFirst: true })),
    encoder(["gemma-embedding"], ggufPattern({ period: 6, window: required })),
    encoder(["dream", "llada", "llada-moe", "rnd1"]),
  ],
  config: [],
};
