import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { dense } from "../blocks/feed-forward.ts";
import { mixture } from "../blocks/mixture.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";

/** Experts in every so many layers after the first dense ones. A layer may have a router that it does not read. */
function mixed({ hp }: GraphContext): DecoderForm {
  const leading = hp.number("leading_dense_block_count", 0);
  const step = hp.number("interleave_moe_layer_step", 1);
  return {
    unbiasedOutput: true,
    feedForward: (g, block, x) =>
      block.index >= leading && (block.index + 1) % step === 0 ? mixture(g, block, x) : dense(g, block, x, "silu"),
  };
}

/** ERNIE 4.5, and PaddleOCR which reads images with it: `src/models/ernie4-5.cpp`, `ernie4-5-moe.cpp`, `paddleocr.cpp`. */
export const ERNIE: Readonly<Record<string, GraphBuilder>> = decoders({
  ernie4_5: { unbiasedOutput: true },
  "ernie4_5-moe": mixed,
  paddleocr: { positionsPerToken: 4 },
});
