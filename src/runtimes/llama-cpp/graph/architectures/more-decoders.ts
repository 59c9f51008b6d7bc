import { putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { bareParts, denseParts, feedForward } from "../blocks/feed-forward.ts";
import { norm } from "../blocks/norm.ts";
import {
  bareFeedForward,
  biasedFeedForward,
  type LayerPart,
  preNormDecoder,
  usualExperts,
} from "../blocks/pre-norm.ts";
import { type HeadStep, positionsBySections, rotary } from "../blocks/rotary.ts";
import type { GraphBuilder } from "../context.ts";
import { add, mul, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";

const silu = bareFeedForward("silu");
const sharedExpert = bareFeedForward("silu", "_shexp");

const biasedChoice = usualExperts({ unscaled: true });
const plainChoice = usualExperts({ unscaled: true, unbiased: true });
const scaledChoice = usualExperts({ unbiased: true });

/** Experts in every so many layers after the first dense ones, and one for all tokens (`src/models/ernie4-5-moe.cpp`). */
const ernieExperts: LayerPart = (g, block, x) => {
  const leading = g.hp.number("leading_dense_block_count", 0);
  const step = g.hp.number("interleave_moe_layer_step", 1);
  if (block.index < leading || (block.index + 1) % step !== 0) return silu(g, block, x);
  const mixed = biasedChoice(g, block, x);
  return g.hp.number("expert_shared_feed_forward_length", 0) > 0 ? add(mixed, sharedExpert(g, block, x)) : mixed;
};

/** `src/models/hunyuan-moe.cpp`. */
const hunyuanExperts: LayerPart = (g, block, x) => add(plainChoice(g, block, x), sharedExpert(g, block, x));

/** Dense or with experts, as the file says (`src/models/mistral3.cpp`). */
const mistralFeedForward: LayerPart = (g, block, x) =>
  block.weight("ffn_gate_inp") === undefined ? feedForward(x, denseParts(block), "silu") : scaledChoice(g, block, x);

const scaledRotary = rotary({ factors: true });

/** Later queries count for more (`src/models/mistral3.cpp`). */
const temperedQueries: HeadStep = (g, block, heads) => {
  const { q, k, v } = scaledRotary(g, block, heads);
  return { q: g.hp.number("attention.temperature_scale", 0) === 0 ? q : mul(q, g.queryScales()), k, v };
};

/** One matrix up and one down, between them a function with parameters of its own (`src/models/apertus.cpp`). */
const xielu: LayerPart = (_, block, x) => mulMat(block.need("ffn_down"), unary(mulMat(block.need("ffn_up"), x)));

/** Every fourth layer knows no positions (`src/models/smollm3.cpp`). */
const NO_POSITIONS_STEP = 4;

/** Layers of the model of 7 billion parameters: only that one rotates, others have their positions in the mask. */
const ROTATED_BAICHUAN_LAYERS = 32;

/** Norms have no weights, and every layer adds the embeddings once more (`src/models/talkie.cpp`). */
const talkie = preNormDecoder({
  embed: (g) => norm(g, tokenEmbeddings(g), undefined, "rms", -1),
  position: rotary({ headNorms: "after" }),
  outputBias: false,
  feedForward: (_, block, x) => {
    const { up, gate, down } = bareParts(block);
    return feedForward(x, { up, gate, down: down && { ...down, scale: block.scale("ffn_down") } }, "silu");
  },
  after: (g, block, x, embedded) => add(x, mul(putOut(g, block, embedded), block.need("layer_output_scale"))),
  head: { unscaled: true, scaledLogits: true },
});

const hunyuanHeads = { factors: true, headNorms: "after" } as const;

/** Decoders that rotate queries and keys, each `src/models/<its name>.cpp`. */
export const MORE_DECODERS: Readonly<Record<string, GraphBuilder>> = {
  apertus: preNormDecoder({ position: rotary({ factors: true, headNorms: "before" }), feedForward: xielu }),
  arcee: preNormDecoder({ position: scaledRotary, feedForward: bareFeedForward("relu-squared") }),
  baichuan: preNormDecoder({
    position: rotary({ isRotated: (g) => g.hp.layerCount === ROTATED_BAICHUAN_LAYERS }),
    outputBias: false,
    feedForward: silu,
  }),
  codeshell: preNormDecoder({ kind: "layer", position: rotary(), feedForward: biasedFeedForward("gelu") }),
  ernie4_5: preNormDecoder({ position: rotary(), outputBias: false, feedForward: silu }),
  "ernie4_5-moe": preNormDecoder({ position: rotary(), outputBias: false, feedForward: ernieExperts }),
  "hunyuan-dense": preNormDecoder({ position: rotary(hunyuanHeads), feedForward: silu }),
  hunyuan_vl: preNormDecoder({
    position: rotary({ ...hunyuanHeads, positionsPerToken: positionsBySections }),
    feedForward: silu,
  }),
  "hunyuan-moe": preNormDecoder({ position: rotary(hunyuanHeads), feedForward: hunyuanExperts }),
  maincoder: preNormDecoder({ position: rotary({ headNorms: "after" }), feedForward: silu }),
  mistral3: preNormDecoder({ position: temperedQueries, feedForward: mistralFeedForward }),
  "pangu-embedded": preNormDecoder({ position: rotary(), feedForward: biasedFeedForward("silu") }),
  pockettts: preNormDecoder({
    kind: "layer",
    position: rotary(),
    outputBias: false,
    feedForward: bareFeedForward("gelu"),
  }),
  qwen: preNormDecoder({ position: rotary(), outputBias: false, feedForward: silu }),
  seed_oss: preNormDecoder({ position: rotary(), secondNorm: "post_attention_norm", feedForward: silu }),
  smollm3: preNormDecoder({
    position: rotary({ isRotated: (_, layer) => (layer + 1) % NO_POSITIONS_STEP !== 0 }),
    feedForward: biasedFeedForward("silu"),
  }),
  talkie,
};
