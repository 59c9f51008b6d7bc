import type { FeedForward } from "../../model/feed-forward.ts";
import type { Mixer } from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model, ModelLayer } from "../../model/model.ts";
import { padTo } from "../pad.ts";
import { F16_BYTES, F32_BYTES } from "./buffer-bytes.ts";
import { blockElements, rowBytes } from "./cache-type.ts";
import { cacheWidths } from "./cache-widths.ts";
import type { Cells } from "./cells.ts";
import { hasCudaKernel } from "./cuda/kernels.ts";
import { PUTS_OUT_ALL } from "./engine-facts.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";
import type { LlamaCppCacheType } from "./workload.ts";

/** What the worst-case prompt graph holds at once, in bytes. */
export type GraphMoments = {
  readonly tokens: number;
  /** The widest moment inside these blocks; 0 for none. */
  readonly block: (layers: readonly ModelLayer[]) => number;
  /** The keys and values of the layer of these that has most. */
  readonly cached: (layers: readonly ModelLayer[]) => number;
  /** The scores of the widest attention, which are held where flash attention is off. */
  readonly scores: number;
  /** What Metal's flash attention shares between groups of threads. */
  readonly shared: number;
  /** Flash attention was asked for that no GPU has a kernel for: the host attends. */
  readonly attendsOnHost: boolean;
  /** Layers whose scan a GPU may have no kernel for. */
  readonly scans: number;
  readonly logits: number;
  readonly inputs: number;
  readonly mask: number;
};

/** Tokens of the prompt graph that memory is reserved for: as many for each sequence (`src/llama-context.cpp`, graph_reserve). */
export function worstCaseTokens({ sequences }: Pick<LlamaCppSettings, "sequences">, cells: Cells): number {
  return padTo(Math.min(cells.full * cells.streams, cells.microBatch), sequences);
}

/** Tokens of that graph whose logits are computed: these are not rounded up. */
export function mostOutputs(model: Model, settings: LlamaCppSettings, cells: Cells): number {
  return Math.min(cells.full * cells.streams, cells.microBatch, outputsOfBatch(model, settings));
}

/** Tokens that a logical batch may put out; all of it as `batchTokens`. */
export function outputsOfBatch({ architecture }: Model, { outputs, batchTokens }: LlamaCppSettings): number {
  return PUTS_OUT_ALL.has(architecture ?? "") ? batchTokens : outputs;
}

export function graphMoments(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  placement: Placement,
): GraphMoments | null {
  const { hiddenSize } = model;
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  if (hiddenSize === null || layers.length === 0 || layers.some((layer) => layer.mixer.kind === "unknown")) return null;
  const tokens = worstCaseTokens(settings, cells);
  const outputs = mostOutputs(model, settings, cells);
  const mixers = layers.map((layer) => layer.mixer);
  const encoderTokens = model.causal ? undefined : tokens;
  const asked = settings.flashAttention === "on" || blockElements(settings.cacheTypeV) > 1;
  const hasKernel = placement.gpus.every(({ kind }) => kind !== "cuda") || mixers.every(hasCudaKernel);
  // `auto` is off for all where one device has no kernel for the heads (`src/llama-context.cpp`, resolve_fa).
  const flash = settings.flashAttention !== "off" && (asked || hasKernel);
  const scoresOf = (some: readonly ModelLayer[]): number => {
    const attentions = some.map(({ mixer }) => mixer);
    const heads = Math.max(0, ...attentions.map((mixer) => attentionPart(mixer)?.heads ?? 0));
    const { widest } = maskWidth(attentions, cells, encoderTokens);
    return heads === 0 ? 0 : F32_BYTES * tokens * (heads * widest + 3 * hiddenSize);
  };
  // Flash attention takes no 32-bit rows: all that are cached are turned to 16 bits (`src/llama-graph.cpp`, build_attn_mha).
  const turnedOf = (some: readonly ModelLayer[]): number => {
    const turned = mostCached(some, cells, (type, width) => (type === "f32" ? F16_BYTES * width : 0), settings);
    return turned === 0 ? 0 : turned + F32_BYTES * tokens * 4 * hiddenSize;
  };
  return {
    tokens,
    block: (some) => {
      if (some.length === 0) return 0;
      const own = F32_BYTES * tokens * (widestBlock(some, hiddenSize, model.causal, tokens) + 2 * hiddenSize);
      return Math.max(own, flash ? turnedOf(some) : scoresOf(some));
    },
    cached: (some) => mostCached(some, cells, rowBytes, settings),
    scores: scoresOf(layers),
    shared: Math.max(0, ...mixers.map((mixer) => sharedByGroups(mixer, tokens))),
    attendsOnHost: flash && !hasKernel,
    scans: mixers.filter((mixer) => recurrentPart(mixer) !== undefined).length,
    logits: model.causal ? F32_BYTES * outputs * ((model.vocabularySize ?? 0) + hiddenSize) : 0,
    inputs: F32_BYTES * tokens * (2 * hiddenSize + perLayerInputs(model, layers.length)),
    mask: (flash ? F16_BYTES : F32_BYTES) * tokens * maskWidth(mixers, cells, encoderTokens).sum,
  };
}

/** Results of up to 32 groups for each of up to 32 queries (`ggml-metal-ops.cpp:3056`, ggml_metal_op_flash_attn_ext_extra_tmp). */
function sharedByGroups(mixer: Mixer, tokens: number): number {
  const attention = attentionPart(mixer);
  if (attention === undefined) return 0;
  const width = attention.kind === "latent" ? attention.kvLoraRank : attention.valueDim;
  return F32_BYTES * Math.min(tokens, 32) * attention.heads * 32 * (width + 2);
}

/** Bytes of all rows of the layer that has most of them, where a row of a type and width takes `bytesOf`. */
function mostCached(
  layers: readonly ModelLayer[],
  cells: Cells,
  bytesOf: (type: LlamaCppCacheType, width: number) => number,
  { cacheTypeK, cacheTypeV }: LlamaCppSettings,
): number {
  return layers.reduce((most, { mixer }) => {
    const widths = cacheWidths(mixer);
    const window = attentionPart(mixer)?.window;
    if (widths === undefined || window === undefined) return most;
    const rows = cells.streams * cells.held(window);
    return Math.max(most, rows * (bytesOf(cacheTypeK, widths.key) + bytesOf(cacheTypeV, widths.value)));
  }, 0);
}

/** Elements per token of the widest point inside any block. */
function widestBlock(layers: readonly ModelLayer[], hiddenSize: number, gated: boolean, tokens: number): number {
  return layers.reduce((widest, { mixer, feedForward }) => {
    return Math.max(widest, feedForwardWidth(feedForward, gated, hiddenSize), recurrentWidth(mixer, tokens));
  }, 0);
}

/** Numbers per token that a table of embeddings gives each layer (Gemma 4). */
function perLayerInputs({ architecture, metadata }: Model, layers: number): number {
  const width = metadata[`${architecture}.embedding_length_per_layer_input`];
  return typeof width === "number" ? width * layers : 0;
}

/** Gate, up and their product are alive at once; so is one hidden vector per expert used. Encoders are not gated. */
function feedForwardWidth(part: FeedForward, gated: boolean, hiddenSize: number): number {
  if (part.kind === "dense") return (gated ? 3 : 1) * part.intermediateSize;
  if (part.kind === "experts") {
    const { expertsPerToken, expertIntermediateSize } = part;
    return expertsPerToken * Math.max(3 * expertIntermediateSize, expertIntermediateSize + hiddenSize);
  }
  return 0;
}

/** Lightning attention holds each token of the batch against all of them, three times over (`src/models/minimax-01.cpp`). */
const LIGHTNING_SCORES = 3;

function recurrentWidth(mixer: Mixer, tokens: number): number {
  const recurrent = recurrentPart(mixer);
  if (recurrent?.family === "lightning-attention")
    return LIGHTNING_SCORES * (recurrent.state[0]?.shape[0] ?? 0) * tokens;
  const ssm = recurrent?.state.find((state) => state.name === "ssm");
  return ssm === undefined ? 0 : 4 * (ssm.shape[0] ?? 0);
}

/**
 * Cells that one token is held against, by kind of cache: the full one, and one for each window. A token sees the stream
 * of its own sequence only; an encoder sees the batch itself.
 */
function maskWidth(
  mixers: readonly Mixer[],
  cells: Cells,
  encoderTokens: number | undefined,
): { sum: number; widest: number } {
  const widths = new Map<string, number>();
  for (const mixer of mixers) {
    const window = attentionPart(mixer)?.window;
    if (window === undefined) continue;
    const width = encoderTokens ?? cells.held(window);
    widths.set(encoderTokens === undefined ? JSON.stringify(window) : "", width);
  }
  const list = [...widths.values()];
  return { sum: list.reduce((sum, width) => sum + width, 0), widest: Math.max(0, ...list) };
}
