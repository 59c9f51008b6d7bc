import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import type { GraphBuilder } from "../context.ts";

const COMMON: DecoderForm = { activation: "gelu", scalesEmbeddings: true, scalesQueries: true };

/**
 * Gemma until the third, each `src/models/<its name>.cpp`. Since the second parts are normed before and after, and heads
 * where the file says so; in the second scores have a soft cap.
 */
export const GEMMA: Readonly<Record<string, GraphBuilder>> = decoders({
  gemma: COMMON,
  gemma2: { ...COMMON, softCap: true, head: { cappedLogits: true } },
  gemma3: ({ hp }) => ({ ...COMMON, head: { cappedLogits: hp.number("final_logit_softcapping", 0) !== 0 } }),
  "gemma-embedding": { ...COMMON, looksBothWays: true, head: { withoutLogits: "always" } },
});
