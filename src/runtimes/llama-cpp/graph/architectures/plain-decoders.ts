import { type DecoderForm, feedForwardAfter, type Multipliers, plainDecoder } from "../blocks/plain-decoder.ts";
import { projectUnscaled } from "../blocks/projection.ts";
import type { QueryKeyValue } from "../blocks/qkv.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import type { Hyperparameters } from "../hyperparameters.ts";
import { reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** Decoders that are Llama but for what their form says, each by its file in `src/models/`. */
const FORMS: Readonly<Record<string, DecoderForm>> = {
  bitnet: { scaledFeedForward: true },
  chatglm: { activation: "halves" },
  exaone: {},
  gemma: {
    activation: "gelu",
    scalesQueries: true,
    multipliers: ({ hiddenSize }) => ({ embedding: Math.sqrt(hiddenSize) }),
  },
  glm4: { activation: "halves", positionsPerToken: (hp) => (hasSections(hp) ? 4 : 1) },
  internlm2: {},
  jais2: { norm: "layer", activation: "relu-squared" },
  minicpm: { multipliers: minicpmMultipliers },
  nemotron: { norm: "layer", activation: "relu-squared" },
  olmo: { norm: "layer" },
  orion: { norm: "layer" },
  qwen2: {},
  qwen3: { scaledFeedForward: true },
  starcoder: { norm: "layer", activation: "gelu", positions: "learned" },
  starcoder2: { norm: "layer", activation: "gelu" },
  xverse: {},
};

/** OpenELM (`src/models/openelm.cpp`): heads of queries, keys and values of one row, as many as each layer has. */
const openelm = plainDecoder({ heads: cutHeads }, feedForwardAfter("of-attention"));

/** Phi 3, and with experts Phi 3.5 (`src/models/phi3.cpp`, `phimoe.cpp`). */
const phi3 = plainDecoder({ activation: "halves", scalesQueries: true }, feedForwardAfter("of-feed-forward"));

/** Positions of M-RoPE have several parts (`use_mrope`). */
function hasSections(hp: Hyperparameters): boolean {
  return [0, 1].every((part) => hp.ofLayer("rope.dimension_sections", part, 0) > 0);
}

/** Defaults of older files (`src/models/minicpm.cpp`, its graph is that of `granite.cpp`). */
function minicpmMultipliers(hp: Hyperparameters): Multipliers {
  return {
    embedding: hp.number("embedding_scale", 12),
    residual: hp.number("residual_scale", 1.4 / Math.sqrt(hp.layerCount)),
    logits: 1 / hp.number("logit_scale", 256 / hp.hiddenSize),
  };
}

/** Three views of the heads of one product, which has no scale. */
function cutHeads(g: GraphContext, block: BlockWeights, x: GraphTensor): QueryKeyValue {
  const { hp } = g;
  const il = block.index;
  const [dim, heads, kvHeads] = [hp.keyDim(il), hp.heads(il), hp.kvHeads(il)];
  const row = reshape(projectUnscaled(block.projection("attn_qkv"), x), dim, heads + 2 * kvHeads, g.tokens);
  const part = (count: number): GraphTensor => view(row, [dim, count, g.tokens], [row.nb[1], row.nb[2]]);
  return { q: part(heads), k: part(kvHeads), v: part(kvHeads) };
}

export const PLAIN_DECODERS: Readonly<Record<string, GraphBuilder>> = {
  ...Object.fromEntries(Object.entries(FORMS).map(([name, form]) => [name, plainDecoder(form)])),
  openelm,
  phi3,
  phimoe: phi3,
};
