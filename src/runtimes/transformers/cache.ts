import type {
  AttentionMixer,
  AttentionWindow,
  CrossMixer,
  LatentMixer,
  Mixer,
  RecurrentMixer,
  StateTensor,
} from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import { atLeast } from "../release.ts";
import { compressedCaches } from "./compressed-cache.ts";
import { quantizedCache } from "./quantized-cache.ts";
import type { TransformersSettings } from "./settings.ts";

const KV_SOURCE = "transformers 5.23.0 cache_utils.py, DynamicLayer and StaticLayer";
const CROSS_SOURCE = "transformers 5.23.0 cache_utils.py, EncoderDecoderCache";
const STATE_SOURCE = "transformers 5.23.0 cache_utils.py, LinearAttentionLayer";

/** Since this release the DeepSeek family caches compressed latents; before, the expanded heads. */
const LATENTS_CACHED_SINCE = "5.15.0";

/**
 * The scan of mamba runs in float32 and so does the state it leaves (`modeling_mamba.py`, mamba_selective_scan); the
 * delta rules likewise (`modeling_qwen3_next.py`, torch_chunk_gated_delta_rule).
 */
const FLOAT32_STATES: ReadonlySet<string> = new Set(["ssm", "linear"]);
const FLOAT32_STATE_BYTES = 4;
const TOKEN_ID_BYTES = 8;

/**
 * What some models keep in float32 whatever they run in: convolutions that run in it (`modeling_inkling.py`,
 * InklingShortConvolution), index keys rotated by angles in it (`modeling_dots3_note.py`, Dots3NoteTextModel.forward).
 */
const CACHED_IN_FLOAT32: ReadonlyMap<string, "convolution" | "indexKey"> = new Map([
  ["inkling_text", "convolution"],
  ["inkling2_text", "convolution"],
  ["dots3_note_text", "indexKey"],
]);

/** Run the whole sequence at every step: no argument takes anything of an earlier one (`modeling_openai.py`). */
const KEEP_NOTHING: ReadonlySet<string> = new Set(["openai-gpt"]);

/** States of the type the model runs in (`modeling_xlstm.py`, xLSTMCache; `modeling_minimax.py`, MiniMaxLightningAttention). */
const STATES_AS_RUN: ReadonlySet<string> = new Set(["minimax", "xlstm"]);

/** Caches of the main layers, or null where a layer's way of mixing is not known. */
export function layerCaches(model: Model, settings: TransformersSettings, elementBytes: number): LayerCache[][] | null {
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  if (layers.length === 0 || layers.some(({ mixer }) => mixer.kind === "unknown")) return null;
  if (KEEP_NOTHING.has(model.architecture ?? "")) return layers.map(() => []);
  const wide = CACHED_IN_FLOAT32.get(model.architecture ?? "");
  const widths: Widths = {
    element: elementBytes,
    convolution: elementBytes,
    state: STATES_AS_RUN.has(model.architecture ?? "") ? elementBytes : FLOAT32_STATE_BYTES,
    indexKey: elementBytes,
    ...(wide && { [wide]: FLOAT32_STATE_BYTES }),
  };
  return layers.map(({ mixer, cross }) => [
    ...attentionCaches(mixer, settings, widths),
    ...recurrentStates(mixer, settings, widths),
    ...[mixer.kind === "cross" ? mixer : cross].flatMap((each) =>
      each ? crossCache(each, settings, elementBytes) : [],
    ),
  ]);
}

/** Every beam has a cache of its own. */
function sequencesOf({ sequences, beams }: TransformersSettings): number {
  return sequences * beams;
}

/** Bytes of one element. */
type Widths = {
  readonly element: number;
  readonly convolution: number;
  readonly state: number;
  readonly indexKey: number;
};

function attentionCaches(mixer: Mixer, settings: TransformersSettings, widths: Widths): LayerCache[] {
  const attention = attentionPart(mixer);
  if (attention === undefined) return [];
  if (attention.kind === "attention" && (!attention.causal || attention.sharesCacheWith !== undefined)) return [];
  if (settings.cache === "quantized" && attention.kind === "attention") {
    return [quantizedCache(attention, settings, widths.element)];
  }
  const width = attention.kind === "attention" ? attentionWidth(attention) : latentWidth(attention, settings.version);
  const { window } = attention;
  const tokens = keptTokens(window, settings) + prefixTokens(attention, settings);
  const bytesPerToken = cachesOf(attention) * (width * widths.element + indexWidth(attention) * widths.indexKey);
  const name = cacheName(attention, settings.version);
  return [
    {
      kind: window.kind === "none" ? name : `${name}, ${window.kind} ${window.tokens}`,
      detail: `${tokens} tokens x ${sequencesOf(settings)}, ${widths.element * 8}-bit`,
      bytes: bytesPerToken * tokens * sequencesOf(settings),
      bytesPerToken,
      source: KV_SOURCE,
    },
    ...(attention.kind === "attention" ? compressedCaches(attention, settings, widths.element) : []),
  ];
}

/** What is kept of a token, since of latent attention it is either of two very different things. */
function cacheName(attention: AttentionMixer | LatentMixer, version: string): string {
  if (attention.kind === "attention") return "KV cache";
  const { heads, kvLoraRank, ropeDim, nopeDim, valueDim } = attention;
  return atLeast(version, LATENTS_CACHED_SINCE)
    ? `latent cache of ${kvLoraRank} + ${ropeDim}`
    : `KV cache of ${heads} expanded heads, ${nopeDim + ropeDim} + ${valueDim} each`;
}

/** A layer that runs several times for a token, or attends several times in one run, has as many caches. */
function cachesOf(attention: AttentionMixer | LatentMixer): number {
  return (attention.kind === "attention" ? attention.passes : attention.attentions) ?? 1;
}

/**
 * Elements per token. A key that is the value as well is kept once where its layer compresses, since that has a cache of
 * its own (`modeling_deepseek_v4.py`, DeepseekV4HCACache.update); an indexer there keys rows, not tokens.
 */
function attentionWidth({ kvHeads, keyDim, valueDim, compression }: AttentionMixer): number {
  return kvHeads * (compression === undefined ? keyDim + valueDim : keyDim);
}

/** Elements of an indexer's key of one token. */
function indexWidth(attention: AttentionMixer | LatentMixer): number {
  const ofRows = attention.kind === "attention" && attention.compression !== undefined;
  return ofRows ? 0 : (attention.indexer?.keyDim ?? 0);
}

/** Keys and values of an encoder's output: computed once, and as many as that output has tokens. */
function crossCache(mixer: CrossMixer, settings: TransformersSettings, elementBytes: number): LayerCache {
  const tokens = mixer.encoderTokens ?? settings.promptTokens;
  const bytesPerToken = mixer.kvHeads * (mixer.keyDim + mixer.valueDim) * elementBytes;
  return {
    kind: "cross-attention cache",
    detail: `${tokens} encoder tokens x ${sequencesOf(settings)}, ${elementBytes * 8}-bit`,
    bytes: bytesPerToken * tokens * sequencesOf(settings),
    bytesPerToken: 0,
    source: CROSS_SOURCE,
  };
}

/** Elements per token of multi-head latent attention. */
function latentWidth(mixer: LatentMixer, version: string): number {
  return atLeast(version, LATENTS_CACHED_SINCE)
    ? mixer.kvLoraRank + mixer.ropeDim
    : mixer.heads * (mixer.nopeDim + mixer.ropeDim + mixer.valueDim);
}

/** A dynamic window keeps `window - 1` past tokens between steps, a static one is allocated at `window`. */
function keptTokens(window: AttentionWindow, { contextTokens, cache }: TransformersSettings): number {
  if (window.kind === "none") return contextTokens;
  return Math.min(contextTokens, cache === "static" ? window.tokens : window.tokens - 1);
}

/** Rows before the first token. A static cache is allocated at the length asked for, these included. */
function prefixTokens(attention: AttentionMixer | LatentMixer, { cache }: TransformersSettings): number {
  if (attention.kind !== "attention" || cache === "static") return 0;
  return attention.prefixTokens ?? 0;
}

function recurrentStates(mixer: Mixer, settings: TransformersSettings, widths: Widths): LayerCache[] {
  const recurrent = recurrentPart(mixer);
  if (recurrent === undefined) return [];
  const bytes = stateBytes(recurrent, widths) * sequencesOf(settings);
  return [
    {
      kind: "recurrent state",
      detail: `${sequencesOf(settings)} sequences`,
      bytes,
      bytesPerToken: 0,
      source: STATE_SOURCE,
    },
  ];
}

/** Convolution states keep as many columns as the kernel is wide, one more than the recurrence needs. */
function stateBytes({ state, convolutionKernel }: RecurrentMixer, widths: Widths): number {
  return state.reduce((sum, { name, shape }) => {
    const [channels = 0] = shape;
    const elements =
      name === "convolution" && convolutionKernel !== undefined
        ? channels * convolutionKernel
        : shape.reduce((product, dimension) => product * dimension, 1);
    return sum + elements * stateElementBytes(name, widths);
  }, 0);
}

function stateElementBytes(name: StateTensor["name"], widths: Widths): number {
  if (name === "tokens") return TOKEN_ID_BYTES;
  if (name === "convolution") return widths.convolution;
  return FLOAT32_STATES.has(name) ? widths.state : widths.element;
}
