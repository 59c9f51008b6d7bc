import { decoders } from "../blocks/decoder.ts";
import type { GraphBuilder } from "../context.ts";

/** ERNIE 4.5, and PaddleOCR which reads images with it: `src/models/ernie4-5.cpp`, `ernie4-5-moe.cpp`, `paddleocr.cpp`. */
export const ERNIE: Readonly<Record<string, GraphBuilder>> = decoders({
  ernie4_5: { unbiasedOutput: true },
  "ernie4_5-moe": { unbiasedOutput: true },
  paddleocr: { positionsPerToken: 4 },
});
