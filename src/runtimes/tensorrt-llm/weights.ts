import type { Model, ModelTensor } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import { floatBytes, runningDtype } from "../float-dtype.ts";
import { paddedExpertBytes } from "./mxfp4.ts";
import { headRanks, type Rank } from "./ranks.ts";
import type { TensorrtLlmSettings } from "./settings.ts";
import { shareOf } from "./shards.ts";
import { ENGINE } from "./version.ts";

const OUTPUT_MATRIX = /(^|\.)lm_head\.weight$/;
/** Tables the engine makes itself. */
const MADE = /rotary_emb\.(inv_freq|cos_cached|sin_cached)$/;
/** Float32 in the engine whatever the model runs in (`mamba2_mixer.py`; `modeling_deepseekv3.py`, DeepseekV3Gate). */
const FLOAT32 = /(e_score_correction_bias|A_log|\.D|dt_bias)$/;
const FLOAT32_BYTES = 4;

/** Kernels pad MXFP4 experts differently: not at all, or as vLLM's were seen to, by 8.6 %. */
const MXFP4_MOST = 1.09;

/** Parameters on each rank, which are as many on all of a stage. */
export function weightItems(model: Model, ranks: readonly Rank[], settings: TensorrtLlmSettings): MemoryItem[] {
  const firsts = ranks.filter(({ tensorRank }) => tensorRank === 0).map((rank) => weightItem(model, rank, settings));
  return ranks.flatMap(({ device }, rank) => {
    const ofStage = firsts[Math.floor(rank / settings.tensorParallel)];
    return ofStage === undefined ? [] : { ...ofStage, device: device.name };
  });
}

/** Parameters on one rank: its layers, its share of each tensor, and of latent attention a second copy of the keys' half. */
function weightItem(model: Model, rank: Rank, settings: TensorrtLlmSettings): MemoryItem {
  const dtype = runningDtype(model, settings.dtype);
  const elementBytes = floatBytes(dtype) ?? 2;
  const packed = model.quantization !== null;
  const layers = new Set(rank.layers.map(({ index }) => index));
  let bytes = absorbedBytes(model, rank, settings, elementBytes);
  let stored = bytes;
  for (const tensor of model.tensors) {
    if (!isHeld(tensor, model, rank, layers)) continue;
    const share = shareOf(tensor, model, settings);
    const whole =
      packed || floatBytes(tensor.dtype) === undefined ? tensor.bytes : convertedBytes(tensor, elementBytes);
    const local = Math.ceil((whole * share.part) / share.of);
    stored += local;
    bytes += paddedExpertBytes(tensor, settings) ?? local;
  }
  const item = {
    component: "weights",
    label: `weights, ${packed ? `${model.quantization?.method} as stored` : dtype}`,
    device: rank.device.name,
    bytes,
    certainty: "derived",
    source: `${ENGINE} modeling_utils.py, DecoderModelForCausalLM; modules/linear.py and embedding.py`,
  } as const;
  if (bytes === stored) return item;
  return {
    ...item,
    label: `weights, ${model.quantization?.method}, experts padded to multiples of 128`,
    certainty: "estimate",
    source: "jeansblog/trt_llm README.md (63.32 GB of gpt-oss-120b)",
    low: Math.min(stored, bytes),
    high: Math.max(Math.ceil(stored * MXFP4_MOST), bytes),
  };
}

function convertedBytes({ name, elements }: ModelTensor, elementBytes: number): number {
  return elements * (FLOAT32.test(name) ? FLOAT32_BYTES : elementBytes);
}

/** `modeling_utils.py`, DecoderModel.__pp_init__: a tied last stage keeps the embedding, which is its output matrix. */
function isHeld(tensor: ModelTensor, model: Model, rank: Rank, layers: ReadonlySet<number>): boolean {
  const { name, component, layer } = tensor;
  if (component === "mtp" || MADE.test(name)) return false;
  if (component === "vision") return true;
  if (layer !== undefined) return layers.has(layer);
  if (component === "embedding") return rank.isFirstStage || (model.tiedEmbeddings && rank.isLastStage);
  return rank.isLastStage && !(model.tiedEmbeddings && OUTPUT_MATRIX.test(name));
}

/** `modules/attention.py`, MLA.create_weights: `k_b_proj_trans`, FP8 with block scales where `kv_b_proj` is so. */
function absorbedBytes(model: Model, rank: Rank, settings: TensorrtLlmSettings, elementBytes: number): number {
  const isFp8 = model.tensors.some(({ name, dtype }) => name.endsWith("kv_b_proj.weight") && dtype.startsWith("F8"));
  return rank.layers.reduce((sum, { mixer }) => {
    if (mixer.kind !== "latent") return sum;
    const elements = (mixer.heads / headRanks(settings)) * mixer.kvLoraRank * mixer.nopeDim;
    const scales = isFp8 ? Math.ceil(elements / 128 / 128) * FLOAT32_BYTES : 0;
    return sum + Math.ceil(elements * (isFp8 ? 1 : elementBytes)) + scales;
  }, 0);
}
