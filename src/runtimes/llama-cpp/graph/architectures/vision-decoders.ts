import { attendCache, cacheInputs } from "../blocks/attention.ts";
import { head, layers, putOut } from "../blocks/decoder.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { norm } from "../blocks/norm.ts";
import { bareFeedForward, preNormDecoder, usualExperts } from "../blocks/pre-norm.ts";
import { queryKeyValue } from "../blocks/qkv.ts";
import { rotary } from "../blocks/rotary.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { add, clamp, rope, scale } from "../ops/elementwise.ts";
import { concat, repeat, set, view } from "../ops/shapes.ts";
import { F32, fourOf, GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

const silu = bareFeedForward("silu");
const plainChoice = usualExperts({ unscaled: true, unbiased: true });

/** Time, height, width, and one that is not used (`n_pos_per_embd`). */
const inSpace = (): number => 4;

/** Layers whose input rows carry what the first layers of the image encoder saw (`n_deepstack_layers`). */
const deepLayers = (g: GraphContext): number => g.hp.number("n_deepstack_layers", 0);

/** Rows hold the embedding, and after it a part for each of the first layers. */
const stackedEmbeddings = (g: GraphContext): GraphTensor =>
  tokenEmbeddings(g, { inputSize: g.hp.hiddenSize * (1 + deepLayers(g)) });

/** The first layers add their part of the input row. */
function addStacked(g: GraphContext, { index }: BlockWeights, x: GraphTensor, embedded: GraphTensor): GraphTensor {
  if (index >= deepLayers(g)) return x;
  return add(x, view(embedded, [g.hp.hiddenSize, g.tokens], [embedded.nb[1]]));
}

/** Tokens that are read but never said have no row in the output matrix, and no chance (`src/models/qwen3vl.cpp`). */
function padUnsaid({ weights }: GraphContext, logits: GraphTensor): GraphTensor {
  const unsaid = weights.get("token_embd.weight").ne[1] - logits.ne[0];
  if (unsaid <= 0) return logits;
  const nothing = scale(view(weights.get("output_norm.weight"), [1]));
  return concat(repeat(nothing, unsaid, logits.ne[1]), logits, 0);
}

const stacked = {
  embed: stackedEmbeddings,
  position: rotary({ positionsPerToken: inSpace, headNorms: "before" }),
  after: addStacked,
} as const;

const qwen2vl = preNormDecoder({ position: rotary({ positionsPerToken: inSpace }), feedForward: silu });
const qwen3vl = preNormDecoder({ ...stacked, feedForward: silu, head: { finish: padUnsaid } });

/** Image rows would take matrices of their own; the graph is drawn for tokens, of which all are put out. */
const cogvlm = preNormDecoder({
  position: rotary(),
  outputBias: false,
  feedForward: silu,
  unscaledHeads: true,
  putsOutAll: true,
});

/** Tokens of the vocabulary that stand for parts of an image (`src/models/chameleon.cpp`). */
const IMAGE_TOKENS = 8196 - 4;

/** Tokens of images are not said. */
function withoutImageTokens(_: GraphContext, logits: GraphTensor): GraphTensor {
  return set(logits, clamp(new GraphTensor("NONE", F32, fourOf([IMAGE_TOKENS]))));
}

/** Heads are normed each by weights of its own; layers norm before their parts, or after (`src/models/chameleon.cpp`). */
const chameleon: GraphBuilder = (g) => {
  const inputs = cacheInputs(g);
  const normsAfter = g.hp.flag("swin_norm", false);
  const x = layers(g, tokenEmbeddings(g), (x, block) => {
    const il = block.index;
    const normed = (y: GraphTensor, name: string): GraphTensor => norm(g, y, block.weight(name), "rms", il);
    const placed = (y: GraphTensor, name: string): GraphTensor => {
      const weight = block.weight(name);
      const heads = weight === undefined ? y : norm(g, y, weight, "layer", il, block.bias(name));
      return rope(heads, g.positions());
    };
    const { q, k, v } = queryKeyValue(g, block, normsAfter ? x : normed(x, "attn_norm"));
    const heads = { q: placed(q, "attn_q_norm"), k: placed(k, "attn_k_norm"), v };
    const output = { ...block.projection("attn_output"), bias: undefined };
    const attended = putOut(g, block, attendCache(g, inputs, il, heads, output));
    const rest = putOut(g, block, x);
    if (!normsAfter) {
      const y = add(attended, rest);
      return add(silu(g, block, normed(y, "ffn_norm")), y);
    }
    const y = normed(attended, "attn_norm");
    return add(normed(silu(g, block, y), "ffn_norm"), add(y, rest));
  });
  return head(g, x, { finish: withoutImageTokens });
};

/** Decoders that read images or speech, each `src/models/<its name>.cpp`. */
export const VISION_DECODERS: Readonly<Record<string, GraphBuilder>> = {
  chameleon,
  cogvlm,
  paddleocr: qwen2vl,
  qwen2vl,
  qwen3tts: qwen3vl,
  qwen3vl,
  qwen3vlmoe: preNormDecoder({ ...stacked, feedForward: plainChoice }),
};
