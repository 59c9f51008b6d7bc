import type { Mixer } from "../../model/mixer.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import { refuse } from "../refuse.ts";
import { blockElements } from "./cache-type.ts";
import type { Cells } from "./cells.ts";
import {
  ENCODERS_WITH_CACHE,
  LARGEST_ALONE,
  ONE_SEQUENCE,
  WITHOUT_EMBEDDINGS,
  WITHOUT_FLASH_ATTENTION,
} from "./engine-facts.ts";
import { outputsOfBatch, worstCaseTokens } from "./graph-moments.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { NOT_SPLIT_BY_TENSORS } from "./tensor-split.ts";

/**
 * Refuses the cache types that `llama_init_from_model` refuses (llama.cpp 0.5.0 `src/llama-context.cpp:3770-3830`):
 * quantized values without flash attention, rows whose heads the blocks do not divide (looked at in every layer, cached
 * or not; without flash attention only a cache breaks off on them, in `ggml_row_size`), and unequal types where keys and
 * values share one latent cache.
 */
export function refuseCacheTypes(model: Model, settings: LlamaCppSettings): void {
  const { cacheTypeK, cacheTypeV, flashAttention } = settings;
  const switchedOff = WITHOUT_FLASH_ATTENTION.has(model.architecture ?? "");
  if (blockElements(cacheTypeV) > 1 && switchedOff) {
    refuse(
      "cacheTypeV",
      `llama.cpp runs ${model.architecture} without flash attention and refuses a ${cacheTypeV} value cache then: use f16 values`,
    );
  }
  if (blockElements(cacheTypeV) > 1 && flashAttention === "off") {
    refuse(
      "cacheTypeV",
      `llama.cpp refuses a ${cacheTypeV} value cache without flash attention: leave flashAttention "auto" or "on", or use f16 values`,
    );
  }
  const keepsNoKeys = !model.causal && !ENCODERS_WITH_CACHE.has(model.architecture ?? "");
  for (const { mixer, mtp, index } of model.layers) {
    const heads = mtp === true ? undefined : headDims(mixer);
    if (heads === undefined) continue;
    if (heads.sharedRow && cacheTypeK !== cacheTypeV) {
      refuse(
        "cacheTypeV",
        `llama.cpp keeps one latent cache for keys and values: cacheTypeK ${cacheTypeK} and cacheTypeV ${cacheTypeV} must be equal`,
      );
    }
    if (!keepsNoKeys || flashAttention !== "off") refuseDivided("cacheTypeK", cacheTypeK, heads.key, index);
    refuseDivided("cacheTypeV", cacheTypeV, heads.value, index);
  }
}

/** Refuses to split by tensors what the engine does not (`llama_model_create`, `src/llama-model.cpp:358`). */
export function refuseTensorSplit({ architecture }: Model, { splitMode }: LlamaCppSettings): void {
  if (splitMode !== "tensor" || !NOT_SPLIT_BY_TENSORS.has(architecture ?? "")) return;
  refuse("splitMode", `llama.cpp does not split ${architecture} by tensors: use layer`);
}

/**
 * Refuses more sequences than the engine keeps outputs of: it reserves one for each and breaks off where they are more than
 * a batch may have (`output_reserve`, `src/llama-context.cpp:2260`).
 */
export function refuseOutputs(model: Model, settings: LlamaCppSettings, { batch }: Cells): void {
  const { sequences, batchTokens } = settings;
  const kept = outputsOfBatch(model, settings);
  const isAll = kept === batchTokens;
  const most = isAll ? batch : kept;
  if (sequences <= most) return;
  const tooFew = most === batchTokens ? "batchTokens" : isAll ? "contextTokens" : "outputs";
  refuse(
    "sequences",
    `llama.cpp breaks off on ${sequences} sequences where a batch puts out at most ${most} tokens: ${tooFew} must be at least ${sequences}`,
  );
}

/** Refuses what the engine breaks off on while it builds a graph (`ggml_can_repeat`, `ggml/src/ggml.c:2063`). */
export function refuseGraph({ architecture, layers }: Model, settings: LlamaCppSettings, cells: Cells): void {
  const { sequences, unifiedCache, embeddings } = settings;
  const name = architecture ?? "";
  if (embeddings && WITHOUT_EMBEDDINGS.has(name)) {
    refuse("embeddings", `llama.cpp breaks off on embeddings of ${name}: it has none to put out`);
  }
  if (sequences === 1 || unifiedCache) return;
  const tokens = worstCaseTokens({ sequences: 1 }, cells);
  // As of one sequence, attention takes as many tokens for each cache and drops the rest, which the sum after it lacks; after
  // the last layer's, rows are looked up first.
  const attendsBeforeLast = layers
    .filter(({ mtp }) => mtp !== true)
    .slice(0, -1)
    .some(({ mixer }) => attentionPart(mixer) !== undefined);
  const isUneven = LARGEST_ALONE.has(name) && tokens % sequences !== 0 && attendsBeforeLast;
  if (!isUneven && !ONE_SEQUENCE.has(name)) return;
  const instead = isUneven ? `microBatchTokens that ${sequences} divides` : "one sequence";
  refuse(
    "sequences",
    `llama.cpp breaks off on ${name} with ${sequences} sequences of ${tokens} tokens in all and a cache each: take unifiedCache, or ${instead}`,
  );
}

type HeadDims = { readonly key: number; readonly value: number; readonly sharedRow: boolean };

/** Head sizes as the engine's own parameters have them; undefined for layers without attention. */
function headDims(mixer: Mixer): HeadDims | undefined {
  const attention = attentionPart(mixer);
  if (attention === undefined) return undefined;
  if (attention.kind === "attention")
    return { key: attention.keyDim, value: attention.valueDim, sharedRow: attention.sharedKeyValue === true };
  const { kvLoraRank, ropeDim, nopeDim, valueDim } = attention;
  return attention.upProjection === "absorbed"
    ? { key: kvLoraRank + ropeDim, value: kvLoraRank, sharedRow: true }
    : { key: nopeDim + ropeDim, value: valueDim, sharedRow: false };
}

function refuseDivided(
  option: "cacheTypeK" | "cacheTypeV",
  type: LlamaCppSettings["cacheTypeK"],
  headDim: number,
  layer: number,
): void {
  const block = blockElements(type);
  if (headDim % block === 0) return;
  const part = option === "cacheTypeK" ? "key" : "value";
  refuse(
    option,
    `llama.cpp refuses a ${type} ${part} cache here: blocks of ${block} do not divide the head size ${headDim} of layer ${layer}; use f16`,
  );
}
