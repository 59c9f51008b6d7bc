import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import type { GraphBuilder } from "../context.ts";

const LLAMA_FORM: DecoderForm = { mixture: { scales: "all" } };

/** Llama 2 and 3, Mistral, Mixtral: `src/models/llama.cpp`, `mistral3.cpp`. */
export const LLAMA: Readonly<Record<string, GraphBuilder>> = decoders({
  llama: LLAMA_FORM,
  "llama-embed": { ...LLAMA_FORM, looksBothWays: true, head: { withoutLogits: "always" } },
  mistral3: ({ hp }) => ({ ...LLAMA_FORM, tempersQueries: hp.number("attention.temperature_scale", 0) !== 0 }),
});
