import { attend, rotated } from "../blocks/attention.ts";
import { type CompressionInputs, type Compressor, compress, compressionInputs } from "../blocks/compression.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { routingInFile } from "../blocks/experts.ts";
import { head } from "../blocks/head.ts";
import {
  mixCombined,
  mixHead,
  putOutStreams,
  spreadCombined,
  streamCount,
  streamsOf,
} from "../blocks/hyper-connections.ts";
import { bestCells, maskOfChosen, weightsByStream } from "../blocks/indexer.ts";
import { latentQuery } from "../blocks/latent.ts";
import { layers } from "../blocks/layers.ts";
import { mixture } from "../blocks/mixture.ts";
import { normOf } from "../blocks/norm.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { rmsNorm, rope, ropeBack, scale } from "../ops/elementwise.ts";
import { getRows, mulMat } from "../ops/products.ts";
import { concat, cont, permute, reshape, view } from "../ops/shapes.ts";
import { F16, F32, type GraphTensor, I64, inputTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/**
 * DeepSeek V4: streams of hyper-connections; attention to a window and beyond it to rows that stand for several tokens,
 * of which an indexer picks where those are many (`src/models/deepseek4.cpp`).
 */
const deepseek4: GraphBuilder = (g) => {
  const embeddings = tokenEmbeddings(g);
  const inputs = new Inputs(g);
  g.expand(inputs.mask);
  const streams = layers(g, streamsOf(embeddings, streamCount(g)), (streams, block) => {
    const il = block.index;
    const before = mixCombined(g, block, "attn", streams);
    const attended = attention(g, block, inputs, normOf(g, block, "attn_norm", before.x));
    const y = spreadCombined(g, block, attended, streams, before);
    const between = mixCombined(g, block, "ffn", y);
    for (const each of [y, between.shares, between.combination]) g.expand(each);
    const inner = normOf(g, block, "ffn_norm", between.x);
    const mixed = mixture(g, block, inner, { ...routingInFile(g, "softmax"), ...chosenByToken(g, block) });
    const after = spreadCombined(g, block, mixed, y, between);
    g.keepOnDevice(after, il);
    return after;
  });
  return head(g, mixHead(g, putOutStreams(g, streams)), { unscaled: true });
};

/** In the first layers the experts of a token follow from its number. */
function chosenByToken(g: GraphContext, block: BlockWeights): { readonly chosen?: GraphTensor } {
  if (block.index >= g.hp.number("hash_layer_count", 0)) return {};
  return { chosen: getRows(block.need("ffn_gate_tid2eid"), g.tokenIds()) };
}

/** Rows of 4 tokens, which overlap, with an indexer's beside them; rows of 128, which do not. */
const OVERLAPPING = 4;
const SEPARATE = 128;

/** What attention is told; each is made when the first layer asks. Caches are those of the sequences, never one for all. */
class Inputs {
  readonly mask: GraphTensor;
  readonly keyRows: GraphTensor;
  readonly rotation: GraphTensor | undefined;
  readonly #g: GraphContext;
  readonly #made = new Map<string, CompressionInputs>();

  constructor(g: GraphContext) {
    this.#g = g;
    const { tokens, sequences, fused, caches, hp } = g;
    const window = [caches.of(0).cells, tokens / sequences, 1, sequences];
    this.mask = inputTensor(fused.flashAttention ? F16 : F32, window);
    this.keyRows = inputTensor(I64, [tokens]);
    this.rotation = caches.keyRotation(hp.keyDim());
  }

  of(layer: number, compressor: Compressor): CompressionInputs {
    const key = `${compressor.role} ${compressor.ratio}`;
    const { cells } = this.#g.caches.of(layer, compressor.role);
    const made = this.#made.get(key) ?? compressionInputs(this.#g, compressor, cells);
    this.#made.set(key, made);
    return made;
  }
}

/** Queries by head, one key that is the value too, and an output matrix in two steps, the first by groups of heads. */
function attention(g: GraphContext, block: BlockWeights, inputs: Inputs, x: GraphTensor): GraphTensor {
  const { hp } = g;
  const dim = hp.keyDim();
  const heads = hp.heads();
  const latent = latentQuery(g, block, x);
  const q = rope(rmsNorm(reshape(mulMat(block.need("attn_q_b"), latent), dim, heads, g.tokens)), g.positions());
  const single = normOf(g, block, "attn_kv_a_norm", mulMat(block.need("attn_kv"), x));
  const key = rope(reshape(single, dim, 1, g.tokens), g.positions());
  const attended = attendCompressed(g, block, inputs, { q, key, latent, x });
  const y = ropeBack(reshape(attended, dim, heads, g.tokens), g.positions());
  const groups = hp.number("attention.output_group_count", 1);
  const rank = hp.number("attention.output_lora_rank", 0);
  const grouped = permute(reshape(y, (heads / groups) * dim, groups, g.tokens), 0, 2, 1, 3);
  const down = mulMat(block.shaped("attn_output_a", (heads / groups) * dim, rank, groups), grouped);
  return mulMat(block.need("attn_output_b"), cont(permute(down, 0, 2, 1, 3), rank * groups, g.tokens));
}

type Parts = Readonly<Record<"q" | "key" | "latent" | "x", GraphTensor>>;

/** Compresses, then attends to the window and to the compressed rows that a layer has. */
function attendCompressed(
  g: GraphContext,
  block: BlockWeights,
  inputs: Inputs,
  { q, key, latent, x }: Parts,
): GraphTensor {
  const il = block.index;
  const ratio = g.hp.ofLayer("attention.compress_ratios", il, 0);
  const index = { ratio, overlaps: true, role: "index", dim: indexDim(g), name: "indexer_compressor" } as const;
  const rows = {
    ratio,
    overlaps: ratio === OVERLAPPING,
    role: "compressed",
    dim: g.hp.keyDim(),
    name: "attn_compressor",
  } as const;
  const hasRows = ratio === OVERLAPPING || ratio === SEPARATE;
  if (hasRows) compress(g, block, x, rows, inputs.of(il, rows));
  if (ratio === OVERLAPPING) compress(g, block, x, index, inputs.of(il, index));
  const turned = { q: rotated(q, inputs.rotation), key: rotated(key, inputs.rotation) };
  g.expand(turned.q);
  g.expand(turned.key);
  g.expand(g.caches.storeKeys(il, turned.key, inputs.keyRows));
  let keys = g.caches.keys(il, "main", 1);
  let { mask } = inputs;
  let mostCells: number | undefined;
  if (hasRows) {
    const beyond = inputs.of(il, rows).mask;
    keys = concat(keys, wholeOf(g.caches.keys(il, "compressed", 1)), 2);
    const zeroType = g.fused.flashAttention ? F16 : F32;
    if (ratio === OVERLAPPING) {
      const chosen = chosenRows(g, block, inputs.of(il, index), latent, x);
      mostCells = Math.min(mask.ne[0], g.hp.number("attention.sliding_window", 0)) + chosen.ne[0];
      mask = concat(mask, maskOfChosen(beyond, chosen, zeroType), 0);
    } else mask = concat(mask, beyond, 0);
  }
  const options = { sinks: block.weight("attn_sinks"), mostCells };
  return rotated(attend(g, il, turned.q, keys, keys, mask, options), inputs.rotation);
}

/** Numbers of the compressed rows that an indexer picks for each token (`build_lid_top_k`). */
function chosenRows(
  g: GraphContext,
  block: BlockWeights,
  { rotation, mask }: CompressionInputs,
  latent: GraphTensor,
  x: GraphTensor,
): GraphTensor {
  const heads = g.hp.number("attention.indexer.head_count", 0);
  const q = rope(reshape(mulMat(block.need("indexer.attn_q_b"), latent), indexDim(g), heads, g.tokens), g.positions());
  const weights = scale(mulMat(block.need("indexer.proj"), x));
  const keys = wholeOf(g.caches.keys(block.index, "index", 1));
  return bestCells(g, rotated(q, rotation), keys, weightsByStream(weights, keys.ne[3]), mask);
}

function indexDim(g: GraphContext): number {
  return g.hp.number("attention.indexer.key_length", 0);
}

/** All cells of a cache, looked at once more: as many as the mask has. */
function wholeOf(keys: GraphTensor): GraphTensor {
  return view(keys, keys.ne, [keys.nb[1], keys.nb[2], keys.nb[3]]);
}

export const DEEPSEEK4: Readonly<Record<string, GraphBuilder>> = { deepseek4 };
