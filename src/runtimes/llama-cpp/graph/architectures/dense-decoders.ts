import { type DecoderForm, decoders, type FeedForward } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { denseParts, feedForward } from "../blocks/feed-forward.ts";
import { putOut } from "../blocks/layers.ts";
import { norm } from "../blocks/norm.ts";
import { projectUnscaled } from "../blocks/projection.ts";
import type { QueryKeyValue } from "../blocks/qkv.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, mul, rmsNorm, unary } from "../ops/elementwise.ts";
import { mulMat } from "../ops/products.ts";
import { reshape, view } from "../ops/shapes.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/** One matrix up and one down, between them a function with parameters of its own (`src/models/apertus.cpp`). */
const xielu: FeedForward = (_, block, x) => mulMat(block.need("ffn_down"), unary(mulMat(block.need("ffn_up"), x)));

/** Layers of the model of 7 billion parameters: only that one rotates, others have their positions in the mask. */
const ROTATED_BAICHUAN_LAYERS = 32;

/** Defaults of older files (`src/models/minicpm.cpp`, its graph is that of `granite.cpp`). */
function minicpm({ hp }: GraphContext): DecoderForm {
  return {
    scalesEmbeddings: hp.number("embedding_scale", 12) !== 0,
    scalesParts: hp.number("residual_scale", 1.4 / Math.sqrt(hp.layerCount)) !== 0,
    head: { scaledLogits: true },
  };
}

/** Embeddings are normed, and layers with a window rotated (`src/models/muse-glimmer.cpp`). */
function museGlimmer({ hp }: GraphContext): DecoderForm {
  return {
    embeddings: (g) => rmsNorm(tokenEmbeddings(g)),
    rotates: (layer) => hp.isWindowed(layer),
    keptAfter: "neither",
    dropsTokens: "after norm",
    // The cap is 30 where the file does not say.
    head: { scaledLogits: true, cappedLogits: hp.number("final_logit_softcapping", 30) !== 0 },
  };
}

/** Heads of queries, keys and values of one row, as many as each layer has (`src/models/openelm.cpp`). */
function elmHeads(g: GraphContext, block: BlockWeights, x: GraphTensor): QueryKeyValue {
  const { hp } = g;
  const il = block.index;
  const [dim, heads, kvHeads] = [hp.keyDim(il), hp.heads(il), hp.kvHeads(il)];
  const row = reshape(projectUnscaled(block.projection("attn_qkv"), x), dim, heads + 2 * kvHeads, g.tokens);
  const part = (count: number): GraphTensor => view(row, [dim, count, g.tokens], [row.nb[1], row.nb[2]]);
  return { q: part(heads), k: part(kvHeads), v: part(kvHeads) };
}

/** Every fourth layer knows no positions (`src/models/smollm3.cpp`). */
const NO_POSITIONS_STEP = 4;

/** Norms have no weights, and every layer adds the embeddings once more (`src/models/talkie.cpp`). */
const TALKIE: DecoderForm = {
  embeddings: (g) => norm(g, tokenEmbeddings(g), undefined, "rms", -1),
  unweightedNorms: true,
  unweightedKeyNorm: true,
  normsRotated: true,
  feedForward: (_, block, x) => {
    const { down } = denseParts(block, { scaled: true });
    return feedForward(x, { ...denseParts(block), down }, "silu");
  },
  after: (g, block, x, embedded) => add(x, mul(putOut(g, block, embedded), block.need("layer_output_scale"))),
  head: { unscaled: true, scaledLogits: true },
};

const SQUARED_RELU: DecoderForm = { norm: "layer", activation: "relu-squared" };

/** Dense decoders that are a family of one, each `src/models/<its name>.cpp`. */
export const DENSE_DECODERS: Readonly<Record<string, GraphBuilder>> = decoders({
  apertus: { feedForward: xielu },
  arcee: { activation: "relu-squared" },
  baichuan: ({ hp }) => ({ rotates: hp.layerCount === ROTATED_BAICHUAN_LAYERS }),
  bitnet: { mixture: { scales: "all" } },
  // Image rows would take matrices of their own; the graph is drawn for tokens, of which all are put out.
  cogvlm: { reads: "biases", factors: "none", dropsTokens: "never" },
  internlm2: {},
  jais2: SQUARED_RELU,
  maincoder: { normsRotated: true },
  minicpm,
  "muse-glimmer": museGlimmer,
  nemotron: SQUARED_RELU,
  openelm: { heads: elmHeads, residualFirst: "attention" },
  orion: { norm: "layer" },
  "pangu-embedded": { factors: "none" },
  pockettts: { norm: "layer", activation: "gelu" },
  seed_oss: { secondNorm: "post_attention_norm" },
  smollm3: { rotates: (layer) => (layer + 1) % NO_POSITIONS_STEP !== 0 },
  spark2_5: { activation: "gelu", head: { unscaled: true } },
  talkie: TALKIE,
  xverse: {},
});
