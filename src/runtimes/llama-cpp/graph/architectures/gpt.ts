import { decoders, type FeedForward } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { dense, denseParts, feedForward } from "../blocks/feed-forward.ts";
import { modelNorm } from "../blocks/norm.ts";
import type { Sum } from "../blocks/residual.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add } from "../ops/elementwise.ts";
import type { GraphTensor } from "../tensor.ts";

/** Normed embeddings, on the device of the first layer (`src/models/bloom.cpp`). */
function normedEmbeddings(g: GraphContext): GraphTensor {
  return modelNorm(g, "token_embd_norm", tokenEmbeddings(g), "layer", 0);
}

/** Gelu's result is divided by numbers of the file (`src/models/mpt.cpp`). */
const scaledGelu: FeedForward = (_, block, x) =>
  feedForward(x, { ...denseParts(block), activationScales: block.plain("ffn.act.scales") }, "gelu");

const unbiasedSilu: FeedForward = (g, block, x) => dense(g, block, x, "silu", { unbiased: true });

const COMMON = { norm: "layer", activation: "gelu" } as const;
/** Positions are in the mask, as linear biases (ALiBi), which changes no size. */
const SLOPES = { rotates: false } as const;

const neoxSum: Sum = (x, attended, fed) => add(add(fed, x), attended);
const falconSum: Sum = (x, attended, fed) => add(add(fed, attended), x);
const stableSum: Sum = (x, attended, fed) => add(fed, add(attended, x));

/** GPT-2 and what was built like it, each `src/models/<its name>.cpp`: layer norms, biases, no gates. */
export const GPT: Readonly<Record<string, GraphBuilder>> = decoders({
  bloom: { ...COMMON, ...SLOPES, embeddings: normedEmbeddings },
  codeshell: COMMON,
  falcon: { ...COMMON, beside: falconSum },
  gpt2: { ...COMMON, learnsPositions: true },
  gptneox: ({ hp }) => ({ ...COMMON, ...(hp.flag("use_parallel_residual", false) && { beside: neoxSum }) }),
  jais: { norm: "layer", ...SLOPES },
  mpt: { norm: "layer", learnsPositions: true, normsHeads: "rejoined", feedForward: scaledGelu },
  // Saved files may have a router, which is not read.
  refact: { ...SLOPES, unbiasedOutput: true, feedForward: unbiasedSilu },
  stablelm: { norm: "layer", beside: stableSum, isBeside: (block) => block.weight("ffn_norm") === undefined },
  starcoder: { ...COMMON, learnsPositions: true },
  starcoder2: COMMON,
});
