import type { Model, ModelTensor } from "../../model/model.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { floatBytes } from "../float-dtype.ts";
import { configValue } from "./dtype.ts";
import { mxfp4PaddingBytes } from "./mxfp4-padding.ts";
import { PROVEN_SHARES, PROVEN_WEIGHTS } from "./proven.ts";
import type { VllmSettings } from "./settings.ts";
import { stageOf } from "./shards.ts";
import { type Place, placeOf, rankShare } from "./tensor-shards.ts";
import { VLLM_VERSION } from "./version.ts";

const FLOAT32_BYTES = 4;

/** Kept in float32 whatever the model runs in: decays of recurrences, corrections of routers, norms of index keys. */
const KEPT_IN_FLOAT32 = /(^|[._])(A_log|A|e_score_correction_bias|expert_bias|indexer\.k_norm\.(weight|bias))$/;

/** Model types whose routers are corrected only with one way of choosing experts (`deepseek_v2.py`, DeepseekV2MoE). */
const CORRECTED_BY_CHOICE: ReadonlySet<string> = new Set(["deepseek_v3", "deepseek_v32", "glm_moe_dsa", "dots1"]);
const CORRECTION = /(^|\.)e_score_correction_bias$/;

/** Model types that keep their routers in float32 as well (`ernie45_moe.py`, Ernie4_5_MoeMoE). */
const FLOAT32_ROUTERS: ReadonlySet<string> = new Set(["ernie4_5_moe"]);
const ROUTER = /\.mlp\.gate\.weight$/;

/** Weights on one rank (`linear.py`, `vocab_parallel_embedding.py`, `fused_moe/layer.py`). */
function rankWeightBytes(model: Model, settings: VllmSettings, dtype: string, rank: Place): number {
  const elementBytes = floatBytes(dtype) ?? 2;
  let bytes = 0;
  for (const tensor of model.tensors) {
    if (!isLoaded(tensor, model, settings)) continue;
    if (!stagesOf(tensor, model, settings).includes(rank.stage)) continue;
    bytes += rankShare(tensor, model, settings, rank) * storedBytes(tensor, model, elementBytes);
  }
  return Math.ceil(bytes) + mxfp4PaddingBytes(model, settings, rank.stage);
}

/** Bytes of one tensor before it is shared out: packed and integer tensors as stored, others in the type of the model. */
function storedBytes(tensor: ModelTensor, model: Model, elementBytes: number): number {
  const float = floatBytes(tensor.dtype);
  if (float === undefined) return tensor.bytes;
  if (staysFloat32(tensor.name, model.architecture ?? "")) return tensor.elements * FLOAT32_BYTES;
  // Scales of packed weights keep their type; they stand for no parameters.
  if (model.quantization !== null && tensor.parameters === 0) return tensor.bytes;
  return tensor.elements * elementBytes;
}

function staysFloat32(name: string, architecture: string): boolean {
  return KEPT_IN_FLOAT32.test(name) || (FLOAT32_ROUTERS.has(architecture) && ROUTER.test(name));
}

const OUTPUT_MATRIX = /(^|\.)(lm_head|embed_out|output)\.weight$/;

/** Left out on loading (`deepseek_v2.py` and others, get_spec_layer_idx_from_weight_name; `AutoWeightsLoader`). */
function isLoaded({ name, component }: ModelTensor, model: Model, { speculativeTokens }: VllmSettings): boolean {
  if (component === "mtp") return speculativeTokens > 0;
  if (/rotary_emb\.(inv_freq|cos_cached|sin_cached)$|\.attn\.(bias|masked_bias)$/.test(name)) return false;
  if (CORRECTION.test(name) && CORRECTED_BY_CHOICE.has(model.architecture ?? "")) {
    return configValue(model, "topk_method") === "noaux_tc";
  }
  return !(model.tiedEmbeddings && OUTPUT_MATRIX.test(name));
}

/** Stages that hold a tensor: what is before the layers on the first, what is after them on the last. */
function stagesOf(tensor: ModelTensor, model: Model, { pipelineParallel }: VllmSettings): readonly number[] {
  const last = pipelineParallel - 1;
  if (tensor.component === "mtp") return [last];
  if (tensor.layer !== undefined) {
    return [stageOf(tensor.layer, model.layerCount ?? model.layers.length, pipelineParallel)];
  }
  if (tensor.component === "embedding") return model.tiedEmbeddings && last > 0 ? [0, last] : [0];
  if (tensor.component === "output" || tensor.component === "norm") return [last];
  // Encoders of images are on the first stage.
  return [0];
}

/** One item for each rank. Ranks that hold alike, as those that share out the same layers, are summed once. */
export function weightItems(model: Model, settings: VllmSettings, dtype: string): MemoryItem[] {
  const sums = new Map<string, number>();
  const certainty = certaintyOf(model, settings);
  return settings.devices.map(({ name }, rank) => {
    const place = placeOf(rank, settings);
    const alike = `${place.stage} ${settings.expertParallel ? place.expertRank : ""}`;
    const bytes = sums.get(alike) ?? rankWeightBytes(model, settings, dtype, place);
    sums.set(alike, bytes);
    const split = settings.devices.length > 1 ? `, rank ${rank}` : "";
    return {
      component: "weights",
      label: `weights, ${model.quantization === null ? dtype : "as stored"}${split}`,
      device: name,
      bytes,
      certainty,
      source: "vLLM 0.32.0 linear.py, vocab_parallel_embedding.py, fused_moe/layer.py",
    };
  });
}

/** Ranks that the release was asked for. */
const ASKED_RANKS = 2;

function certaintyOf({ architecture, quantization }: Model, settings: VllmSettings): Certainty {
  const { tensorParallel, pipelineParallel, expertParallel, speculativeTokens, version } = settings;
  const proven = tensorParallel === 1 ? PROVEN_WEIGHTS : PROVEN_SHARES;
  const asked = tensorParallel <= ASKED_RANKS && pipelineParallel === 1 && !expertParallel && speculativeTokens === 0;
  return asked && quantization === null && version === VLLM_VERSION && proven.has(architecture ?? "")
    ? "exact"
    : "derived";
}
