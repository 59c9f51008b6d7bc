import type {
  AttentionMixer,
  AttentionWindow,
  CrossMixer,
  LatentMixer,
  Mixer,
  RecurrentMixer,
} from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import type { LayerCache } from "../layer-cache.ts";
import { compressedCaches } from "./compressed-cache.ts";
import type { TransformersSettings } from "./settings.ts";
import { atLeast } from "./version.ts";

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

/** Model types whose states are of the type the model runs in (`modeling_minimax.py`, MiniMaxLightningAttention). */
const STATES_AS_RUN: ReadonlySet<string> = new Set(["minimax"]);

/** Caches of the main layers, or null where a layer's way of mixing is not known. */
export function layerCaches(model: Model, settings: TransformersSettings, elementBytes: number): LayerCache[][] | null {
  const layers = model.layers.filter((layer) => layer.mtp !== true);
  if (layers.length === 0 || layers.some(({ mixer }) => mixer.kind === "unknown")) return null;
  const stateElementBytes = STATES_AS_RUN.has(model.architecture ?? "") ? elementBytes : FLOAT32_STATE_BYTES;
  return layers.map(({ mixer, cross }) => [
    ...attentionCaches(mixer, settings, elementBytes),
    ...recurrentStates(mixer, settings, elementBytes, stateElementBytes),
    ...[mixer.kind === "cross" ? mixer : cross].flatMap((each) =>
      each ? crossCache(each, settings, elementBytes) : [],
    ),
  ]);
}

function attentionCaches(mixer: Mixer, settings: TransformersSettings, elementBytes: number): LayerCache[] {
  const attention = mixer.kind === "parallel" ? mixer.attention : mixer;
  if (attention.kind !== "attention" && attention.kind !== "latent") return [];
  if (attention.kind === "attention" && (!attention.causal || attention.sharesCacheWith !== undefined)) return [];
  const width =
    attention.kind === "attention"
      ? attentionWidth(attention)
      : latentWidth(attention, settings.version) + (attention.indexer?.keyDim ?? 0);
  const tokens = keptTokens(attention.window, settings);
  const { window } = attention;
  const bytesPerToken = cachesOf(attention) * width * elementBytes;
  return [
    {
      kind: window.kind === "none" ? "KV cache" : `KV cache, ${window.kind} ${window.tokens}`,
      detail: `${tokens} tokens x ${settings.sequences}, ${elementBytes * 8}-bit`,
      bytes: bytesPerToken * tokens * settings.sequences,
      bytesPerToken,
      source: KV_SOURCE,
    },
    ...(attention.kind === "attention" ? compressedCaches(attention, settings, elementBytes) : []),
  ];
}

/** A layer that runs several times for a token, or attends several times in one run, has as many caches. */
function cachesOf(attention: AttentionMixer | LatentMixer): number {
  return (attention.kind === "attention" ? attention.passes : attention.attentions) ?? 1;
}

/**
 * Elements per token. A key that is the value as well is kept once where its layer compresses, since that has a cache of
 * its own (`modeling_deepseek_v4.py`, DeepseekV4HCACache.update); an indexer there keys rows, not tokens.
 */
function attentionWidth({ kvHeads, keyDim, valueDim, compression, indexer }: AttentionMixer): number {
  if (compression !== undefined) return kvHeads * keyDim;
  return kvHeads * (keyDim + valueDim) + (indexer?.keyDim ?? 0);
}

/** Keys and values of an encoder's output: computed once, and as many as that output has tokens. */
function crossCache(mixer: CrossMixer, settings: TransformersSettings, elementBytes: number): LayerCache {
  const tokens = mixer.encoderTokens ?? settings.promptTokens;
  const bytesPerToken = mixer.kvHeads * (mixer.keyDim + mixer.valueDim) * elementBytes;
  return {
    kind: "cross-attention cache",
    detail: `${tokens} encoder tokens x ${settings.sequences}, ${elementBytes * 8}-bit`,
    bytes: bytesPerToken * tokens * settings.sequences,
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

function recurrentStates(
  mixer: Mixer,
  settings: TransformersSettings,
  elementBytes: number,
  stateElementBytes: number,
): LayerCache[] {
  const recurrent = mixer.kind === "parallel" ? mixer.recurrent : mixer.kind === "recurrent" ? mixer : undefined;
  if (recurrent === undefined) return [];
  const bytes = stateBytes(recurrent, elementBytes, stateElementBytes) * settings.sequences;
  return [
    {
      kind: "recurrent state",
      detail: `${settings.sequences} sequences`,
      bytes,
      bytesPerToken: 0,
      source: STATE_SOURCE,
    },
  ];
}

/** Convolution states keep as many columns as the kernel is wide, one more than the recurrence needs. */
function stateBytes(
  { state, convolutionKernel }: RecurrentMixer,
  elementBytes: number,
  stateElementBytes: number,
): number {
  return state.reduce((sum, { name, shape }) => {
    const [channels = 0] = shape;
    if (name === "convolution" && convolutionKernel !== undefined)
      return sum + channels * convolutionKernel * elementBytes;
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    return sum + elements * (FLOAT32_STATES.has(name) ? stateElementBytes : elementBytes);
  }, 0);
}
