import { GGML_TYPES_BY_NAME } from "../../formats/gguf/types.ts";
import type { AttentionMixer, LatentMixer, Mixer } from "../../model/mixer.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { Model, ModelTensor } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import { F32_BYTES } from "./buffer-bytes.ts";
import { type Cells, compressedCells } from "./cells.ts";
import { CACHE_UNREAD, SCORES_WITH_POSITIONS, WEIGHS_BEFORE_EXPERTS, WITHOUT_FLASH_ATTENTION } from "./engine-facts.ts";
import { mostOutputs, worstCaseTokens } from "./graph-moments.ts";
import { OFFLOADED_BATCH } from "./offloaded-batch.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { hostMatrices, type TensorPlaces } from "./tensor-place.ts";

const SOURCE = "llama.cpp 0.5.0 ggml/src/ggml-cpu/ggml-cpu.c:2831-3030, ggml_graph_plan";

/** The type that a row is turned to before it is multiplied with weights of a type (`vec_dot_type`, `ggml-cpu.c:210`). */
const MULTIPLIED_AS: ReadonlyMap<string, string> = new Map(
  [
    ["F16", "F16"],
    ["BF16", "BF16"],
    ["Q8_0", "Q1_0 Q2_0 Q4_0 Q5_0 Q8_0 MXFP4 NVFP4 IQ4_NL"],
    ["Q8_1", "Q4_1 Q5_1 Q8_1"],
    ["Q8_K", "Q2_K Q3_K Q4_K Q5_K Q6_K IQ2_XXS IQ2_XS IQ3_XXS IQ3_S IQ2_S IQ1_S IQ1_M IQ4_XS TQ1_0 TQ2_0"],
  ].flatMap(([type = "", weights = ""]) => weights.split(" ").map((name) => [name, type] as const)),
);

/** Convolutions over sound take more than any product here: what they unfold is not computed. */
const CONVOLVES: ReadonlySet<string> = new Set(["wavtokenizer-dec"]);
const CONVOLUTION_FACTOR = 8;

const CACHE_LINE_BYTES = 64;
/** Rows and columns of a tile of flash attention, `ggml-cpu/common.h`. */
const TILE = 64;
const EXPERTS = /_(?:ch)?exps\.weight$/;

/**
 * The buffer in which the CPU turns what it multiplies into the type of the weights: the largest of any operation, made at
 * the first computation. Where a GPU takes large batches the CPU computes small ones alone.
 */
export function workBufferItem(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  placement: Placement,
  places: TensorPlaces,
): MemoryItem {
  const { host, gpus } = placement;
  const batch = worstCaseTokens(settings, cells);
  const helped = gpus.length > 0 && settings.operatorOffload && batch >= OFFLOADED_BATCH;
  const tokens = helped ? Math.min(batch, settings.sequences) : batch;
  const largest = Math.max(
    largestProduct(model, settings, cells, placement, places, tokens),
    ...model.layers
      .filter(({ index, mtp }) => mtp !== true && placement.deviceOf(index) === host)
      .map(({ mixer }) => attentionBytes(mixer, model, settings, cells, tokens)),
  );
  const bytes = largest === 0 ? 0 : largest + CACHE_LINE_BYTES * settings.threads;
  return {
    component: "overhead",
    label: `work buffer of the CPU, ${settings.threads} threads`,
    device: host.name,
    bytes,
    source: SOURCE,
    ...(CONVOLVES.has(model.architecture ?? "")
      ? { certainty: "estimate", low: bytes, high: CONVOLUTION_FACTOR * bytes }
      : { certainty: "derived" }),
  };
}

function largestProduct(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  placement: Placement,
  places: TensorPlaces,
  tokens: number,
): number {
  const used = model.layers.reduce(
    (most, { feedForward, mtp }) =>
      mtp !== true && feedForward.kind === "experts" ? Math.max(most, feedForward.expertsPerToken) : most,
    0,
  );
  const outputs = Math.min(tokens, mostOutputs(model, settings, cells));
  const weighsFirst = WEIGHS_BEFORE_EXPERTS.has(model.architecture ?? "");
  let largest = 0;
  for (const { tensor, putsOut } of hostMatrices(model, places, placement)) {
    largest = Math.max(
      largest,
      EXPERTS.test(tensor.name)
        ? expertBytes(tensor, tokens, used, weighsFirst)
        : productBytes(tensor, putsOut ? outputs : tokens),
    );
  }
  return largest;
}

/** Rows in the type they are multiplied as; none where that is what they are. */
function productBytes({ dtype, shape: [width = 0, , heads = 1] }: ModelTensor, rows: number): number {
  return convertedBytes(dtype, width * heads * rows);
}

/** Beside the rows, which expert takes which of them (GGML_OP_MUL_MAT_ID). */
function expertBytes(
  { name, dtype, shape: [width = 0, , experts = 1] }: ModelTensor,
  tokens: number,
  used: number,
  weighsFirst: boolean,
): number {
  const visits = used * tokens;
  const rows = convertedBytes(dtype, width * (weighsFirst || name.includes("_down_") ? visits : tokens));
  return rows + (rows > 0 ? 8 : 0) + 8 * (experts + 1) + 8 * (experts * visits + 1) + CACHE_LINE_BYTES * (experts + 1);
}

function convertedBytes(dtype: string, elements: number): number {
  const type = GGML_TYPES_BY_NAME.get(MULTIPLIED_AS.get(dtype) ?? "");
  return type === undefined ? 0 : (elements / type.blockElements) * type.blockBytes;
}

/** Tiles of each thread, or without flash attention the scores in the type of the values. */
function attentionBytes(mixer: Mixer, model: Model, settings: LlamaCppSettings, cells: Cells, tokens: number): number {
  const attention = attentionPart(mixer);
  if (attention === undefined) return 0;
  const { heads } = attention;
  const rank = attention.kind === "latent" && attention.upProjection === "absorbed" ? attention.kvLoraRank : undefined;
  const keyDim = attention.kind === "attention" ? attention.keyDim : (rank ?? attention.nopeDim) + attention.ropeDim;
  const valueDim = rank ?? attention.valueDim;
  const architecture = model.architecture ?? "";
  const noFlash = WITHOUT_FLASH_ATTENTION.has(architecture) || SCORES_WITH_POSITIONS.has(architecture);
  if (settings.flashAttention === "off" || noFlash) {
    const isCached = (attention.kind === "latent" || attention.causal) && !CACHE_UNREAD.has(architecture);
    const width = isCached ? scoreWidth(attention, cells) : tokens;
    // Values that no cache holds are float32, and the scores stay so; a row of them is kept by each thread.
    const converted = isCached ? convertedBytes(settings.cacheTypeV.toUpperCase(), width * heads * tokens) : 0;
    return Math.max(converted, F32_BYTES * width * settings.threads);
  }
  return F32_BYTES * settings.threads * 2 * TILE * (keyDim + TILE + valueDim);
}

/** Cells that one token is held against: beyond a window also the rows that stand for many tokens. */
function scoreWidth(attention: AttentionMixer | LatentMixer, cells: Cells): number {
  const ratio = attention.kind === "attention" ? attention.compression?.ratio : undefined;
  const own = cells.held(attention.window);
  return own + (ratio === undefined ? 0 : compressedCells(cells.full, ratio));
}
