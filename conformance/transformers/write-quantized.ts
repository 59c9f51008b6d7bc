import { writeQuantized } from "./check-quantized.ts";

/** Writes `golden/quantized-cache.json` anew from what transformers answers: a few seconds. */
writeQuantized();
