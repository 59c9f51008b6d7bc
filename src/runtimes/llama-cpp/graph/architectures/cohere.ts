import { type DecoderForm, decoders } from "../blocks/decoder.ts";
import { routingInFile } from "../blocks/experts.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";

/** Attention and feed-forward read the same normed hidden states; logits may be multiplied with a number. */
function common({ hp }: GraphContext): DecoderForm {
  return {
    norm: "layer",
    beside: (x, attended, fed) => add(add(fed, x), attended),
    head: { scaledLogits: hp.number("logit_scale", 0) !== 0 },
  };
}

/** Layers with a window are rotated, and of the mixtures the dense ones at the start. */
function windowed(g: GraphContext): DecoderForm {
  const denseLead = g.hp.number("leading_dense_block_count", 0);
  return { ...common(g), rotates: (layer) => g.hp.isWindowed(layer) || layer < denseLead, mixture: { scales: "all" } };
}

/** Command R and A, each `src/models/<its name>.cpp`. */
export const COHERE: Readonly<Record<string, GraphBuilder>> = decoders({
  "command-r": common,
  cohere2: windowed,
  cohere2moe: (g) => {
    const form = windowed(g);
    return {
      ...form,
      norm: g.hp.number("attention.layer_norm_rms_epsilon", 0) === 0 ? "layer" : "rms",
      dropsTokens: "never",
      mixture: { ...routingInFile(g, "sigmoid"), scales: "all", shared: "averaged" },
      head: { ...form.head, unscaled: true, nextHidden: "after norm" },
    };
  },
});
