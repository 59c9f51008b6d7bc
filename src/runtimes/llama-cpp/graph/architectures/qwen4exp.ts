import { attendCache, type CacheInputs, cacheInputs } from "../blocks/attention.ts";
import { cellsOfBestBlocks, type QsaInputs, qsaInputs } from "../blocks/block-indexer.ts";
import { gatedDeltaNetLayer } from "../blocks/delta-net.ts";
import { tokenEmbeddings } from "../blocks/embedding.ts";
import { gatedOutput, gatedQueryKeyValue } from "../blocks/gated-attention.ts";
import { mixedStreams, type StreamMixer, withResult } from "../blocks/gated-streams.ts";
import { putOutStreams, streamCount, streamsOf } from "../blocks/hyper-connections.ts";
import { chosenOf } from "../blocks/indexer.ts";
import { isLast, layers, putOut } from "../blocks/layers.ts";
import { GATED_SHARE, mixture } from "../blocks/mixture.ts";
import { ngramEmbeddings, withNgrams } from "../blocks/ngram-embedding.ts";
import { scaled } from "../blocks/projection.ts";
import { stateRows } from "../blocks/recurrent-state.ts";
import type { GraphBuilder, GraphContext } from "../context.ts";
import { mulMat } from "../ops/products.ts";
import type { GraphTensor } from "../tensor.ts";
import type { BlockWeights } from "../weights.ts";

/**
 * Qwen 4: gated delta nets, and every few layers gated attention to the best blocks, all between streams that take the place
 * of norms (`src/models/qwen4exp.cpp`).
 */
const qwen4exp: GraphBuilder = (g) => {
  const embedded = tokenEmbeddings(g);
  const inputs = cacheInputs(g);
  const rows = stateRows(g);
  const ngramLayers = listOf(g, "ple.layers");
  const ngrams = ngramLayers.length > 0 ? g.expand(ngramEmbeddings(g)) : undefined;
  const attendBlocks = sparseAttention(g, inputs);
  const streams = layers(g, streamsOf(embedded, streamCount(g)), (before, block) => {
    const il = block.index;
    const x = ngrams !== undefined && ngramLayers.includes(il) ? withNgrams(g, rows, block, before, ngrams) : before;
    const { mixed, normed } = mixedStreams(g, x, mixerOf(g, block, "attn"), il);
    const injected = mulMat(block.need("hc_attn_inject"), normed);
    g.expand(mixed);
    const y = g.hp.isRecurrent(il)
      ? gatedDeltaNetLayer(g, rows, block, mixed, { copiesHistory: true })
      : attendBlocks(block, mixed);
    const rest = isLast(g, block) ? putOutStreams(g, x) : x;
    const attended = withResult(g, rest, putOut(g, block, y), putOut(g, block, injected), il);
    const inner = mixedStreams(g, attended, mixerOf(g, block, "ffn"), il);
    const innerInjected = mulMat(block.need("hc_ffn_inject"), inner.normed);
    const z = withResult(g, attended, mixture(g, block, inner.mixed, GATED_SHARE), innerInjected, il);
    g.keepOnDevice(z, il);
    return z;
  });
  const { weights } = g;
  const last = (name: string): GraphTensor => weights.get(`output_hc_${name}.weight`);
  const mixer = { norm: weights.shaped("output_hc_norm.weight", ...normShape(g)), down: last("down"), up: last("up") };
  const embedding = mixedStreams(g, streams, mixer, -1).mixed;
  const logits = scaled(mulMat(weights.output(), embedding), weights.find("output.scale"));
  return { embedding, logits: g.expand(logits) };
};

/** Gated attention, of layers whose blocks have a size to the best of them. */
function sparseAttention(g: GraphContext, inputs: CacheInputs): (block: BlockWeights, x: GraphTensor) => GraphTensor {
  const bySize = new Map<number, QsaInputs>();
  const { full } = inputs;
  return (block, x) => {
    const il = block.index;
    const size = g.hp.ofLayer("attention.compress_ratios", il, 0);
    let chosen: GraphTensor | undefined;
    if (size > 0) {
      const blocks = bySize.get(size) ?? qsaInputs(g, full.mask, size);
      bySize.set(size, blocks);
      chosen = cellsOfBestBlocks(g, block, blocks, full.mask, x);
    }
    const { gate, ...queried } = gatedQueryKeyValue(g, block, x, { positions: 4, reads: "scales" });
    const seen = chosen === undefined ? inputs : { ...inputs, full: chosenOf(full, chosen) };
    const y = attendCache(g, seen, il, queried, undefined);
    return gatedOutput(block, y, gate);
  };
}

function mixerOf(g: GraphContext, block: BlockWeights, part: "attn" | "ffn"): StreamMixer {
  const need = (name: string): GraphTensor => block.need(`hc_${part}_${name}`);
  return { norm: block.shaped(`hc_${part}_norm`, ...normShape(g)), down: need("down"), up: need("up") };
}

/** Files have the factors of all streams in one row. */
function normShape(g: GraphContext): readonly number[] {
  return [g.hp.hiddenSize, streamCount(g)];
}

function listOf({ hp }: GraphContext, name: string): readonly unknown[] {
  const value = hp.key(name);
  return Array.isArray(value) ? value : [];
}

export const QWEN_4: Readonly<Record<string, GraphBuilder>> = { qwen4exp };
