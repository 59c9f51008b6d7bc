import { decoders } from "../blocks/decoder.ts";
import type { GraphBuilder } from "../context.ts";

/** Qwen and LLaMA looking both ways to fill in masked tokens, without a cache, each `src/models/<its name>.cpp`. */
export const DIFFUSION: Readonly<Record<string, GraphBuilder>> = decoders({
  dream: { looksBothWays: true, head: { unbiased: true } },
  llada: { looksBothWays: true, mixture: { unbiased: true }, unbiasedOutput: true, factors: "none" },
  "llada-moe": { looksBothWays: true, mixture: { normalized: false } },
  rnd1: { looksBothWays: true },
});
