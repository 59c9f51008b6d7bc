import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import type { MixtureOptions } from "../blocks/mixture.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";

/** Qwen and LLaMA looking both ways, with experts in some. */
function common({ hp }: GraphContext, mixture: MixtureOptions = {}): DecoderForm {
  return { looksBothWays: true, mixture: { weightScale: hp.number("expert_weights_scale", 0), ...mixture } };
}

/** Decoders that fill in masked tokens, without a cache, each `src/models/<its name>.cpp`. */
export const DIFFUSION: Readonly<Record<string, GraphBuilder>> = decoders({
  dream: (g) => ({ ...common(g), head: { unbiased: true } }),
  llada: (g) => ({ ...common(g, { unbiased: true }), unbiasedOutput: true, factors: "none" }),
  "llada-moe": (g) => common(g, { normalized: false }),
  rnd1: (g) => common(g),
});
