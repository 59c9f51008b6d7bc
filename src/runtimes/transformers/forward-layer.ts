import type { FeedForward } from "../../model/feed-forward.ts";
import type { AttentionMixer, LatentMixer } from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model, ModelLayer } from "../../model/model.ts";
import type { LayerPass } from "./forward-moments.ts";
import { scanBytes } from "./forward-scan.ts";
import type { ForwardTraits } from "./forward-traits.ts";

const FLOAT32_BYTES = 4;
const INDEX_BYTES = 8;

/** What is asked of one forward pass. */
export type Pass = {
  readonly sequences: number;
  /** Tokens of each sequence taken in. */
  readonly tokens: number;
  /** Tokens of each sequence the cache holds afterwards. */
  readonly context: number;
  readonly elementBytes: number;
  readonly eager: boolean;
  /** Kernels are those of a CPU. */
  readonly onCpu: boolean;
  /** Keys and values are made whole beside a cache of few bits. */
  readonly quantized: boolean;
  /** The next token is chosen among all beams, from the logarithms of all words. */
  readonly beamSearch: boolean;
};

/** What all layers of a pass have in common, and whether the layer is the first. */
export type Around = {
  readonly pass: Pass;
  readonly traits: ForwardTraits;
  readonly maskBytes: number;
  readonly first: boolean;
};

/** One layer's share of a pass. */
export function layerPass(model: Model, layer: ModelLayer, { pass, traits, maskBytes, first }: Around): LayerPass {
  const attention = attentionPart(layer.mixer);
  const recurrent = recurrentPart(layer.mixer);
  const widths = attention === undefined ? NO_ATTENTION : attentionWidths(attention);
  return {
    ...pass,
    ...widths,
    keys: keysOf(attention, pass),
    hidden: model.hiddenSize ?? 0,
    rotated: Math.floor((attention?.kind === "latent" ? attention.ropeDim : widths.headDim) * rotatedShare(model)),
    feedForwardBytes: feedForwardBytes(layer.feedForward, model.hiddenSize ?? 0, pass, traits),
    expandedWidth: expandedWidth(attention) + (pass.quantized ? widths.key + widths.value : 0),
    writtenOut: pass.onCpu && !pass.eager && widths.key * widths.heads !== widths.value * widths.heads,
    scanBytes: recurrent === undefined ? 0 : scanBytes(model, recurrent, { ...pass, hidden: model.hiddenSize ?? 0 }),
    masked: attention !== undefined && isMasked(attention, pass),
    maskBytes,
    standingBytes: standingBytes(model, pass),
    first,
    traits,
  };
}

/** A window holds no more keys than it is wide, once the prompt is in. */
function keysOf(attention: AttentionMixer | LatentMixer | undefined, { tokens, context }: Pass): number {
  const window = attention?.window;
  return tokens > 1 || window === undefined || window.kind === "none" ? context : Math.min(context, window.tokens);
}

/**
 * `generate`'s own: numbers of all tokens and their positions; after the first step also the row they were added to, and
 * the logits that the last token was chosen from (`generation/utils.py`, _sample).
 */
export function standingBytes(model: Model, { sequences, tokens, context }: Pass): number {
  const choosing = tokens === context ? 0 : INDEX_BYTES * context + FLOAT32_BYTES * wordsOf(model);
  return sequences * (2 * INDEX_BYTES * context + choosing);
}

/** Words that a next token is chosen from. */
export function wordsOf({ causal, vocabularySize }: Model): number {
  return causal ? (vocabularySize ?? 0) : 0;
}

/** Elements of one key's latent as every head's keys without positions and values, and as the keys that are made of them. */
function expandedWidth(attention: AttentionMixer | LatentMixer | undefined): number {
  if (attention?.kind !== "latent") return 0;
  const { heads, nopeDim, ropeDim, valueDim } = attention;
  return heads * (2 * nopeDim + ropeDim + valueDim);
}

function rotatedShare({ metadata }: Model): number {
  const parameters = metadata["rope_parameters"];
  const own = typeof parameters === "object" && parameters !== null && !Array.isArray(parameters) ? parameters : {};
  const named = (own as { readonly [key: string]: unknown })["partial_rotary_factor"];
  return (
    [named, metadata["partial_rotary_factor"], metadata["rotary_pct"]].find((share) => typeof share === "number") ?? 1
  );
}

const NO_ATTENTION = { heads: 0, kvHeads: 0, query: 0, key: 0, value: 0, output: 0, headDim: 0 };

function attentionWidths(attention: AttentionMixer | LatentMixer): typeof NO_ATTENTION {
  const { heads, valueDim } = attention;
  const keyDim = attention.kind === "latent" ? attention.nopeDim + attention.ropeDim : attention.keyDim;
  const kvHeads = attention.kind === "latent" ? heads : attention.kvHeads;
  return {
    heads,
    kvHeads,
    query: heads * keyDim,
    key: kvHeads * keyDim,
    value: kvHeads * valueDim,
    output: heads * valueDim,
    headDim: keyDim,
  };
}

/** A window as long as the keys or shorter needs a mask; else the kernel's own causal order does (`_ignore_causal_mask_sdpa`). */
function isMasked({ window }: AttentionMixer | LatentMixer, { context }: Pass): boolean {
  return window.kind !== "none" && context >= window.tokens;
}

/** One for each kind of layer: true or false of each pair for a fused kernel, numbers of every sequence for eager attention. */
export function masksOf(layers: readonly ModelLayer[], pass: Pass): number {
  const kinds = new Map<string, boolean>();
  for (const { mixer } of layers) {
    const attention = attentionPart(mixer);
    if (attention !== undefined) kinds.set(attention.window.kind, isMasked(attention, pass));
  }
  const pairs = pass.tokens * pass.context;
  const each = pass.eager ? pass.sequences * pairs * pass.elementBytes : pairs;
  return each * [...kinds.values()].filter((masked) => pass.eager || masked).length;
}

/**
 * Tokens are sorted by expert: their hidden vectors with gate and up in one and the product, or with what comes out,
 * weighted, and in the order of tokens again (`integrations/moe.py`, grouped_mm_experts_forward).
 */
function feedForwardBytes(part: FeedForward, hidden: number, pass: Pass, traits: ForwardTraits): number {
  const { elementBytes } = pass;
  if (part.kind === "none") return 0;
  if (part.kind === "dense") return traits.ffnWidth * part.intermediateSize * elementBytes;
  const { expertsPerToken, expertIntermediateSize, sharedIntermediateSize } = part;
  // On a GPU each token of a step has its experts' matrices copied (batched_mm_experts_forward).
  const copied =
    pass.tokens === 1 && !pass.onCpu ? EXPERT_MATRICES * hidden * expertIntermediateSize * elementBytes : 0;
  const weighted = traits.wideRouting ? FLOAT32_BYTES : elementBytes;
  const routed = Math.max(
    (hidden + traits.expertWidth * expertIntermediateSize) * elementBytes,
    2 * hidden * (elementBytes + weighted),
  );
  const shared = sharedIntermediateSize === 0 ? 0 : (traits.ffnWidth * sharedIntermediateSize + hidden) * elementBytes;
  return Math.max(expertsPerToken * (routed + copied + ROUTING_BYTES), shared);
}

/** Gate and up in one, and down. */
const EXPERT_MATRICES = 3;

/** For each expert of a token: its number sorted, the order, the choice, and its weight in three types. */
const ROUTING_BYTES = 3 * INDEX_BYTES + 4 * FLOAT32_BYTES;
