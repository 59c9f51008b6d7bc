import type { Model, ModelTensor } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { floatBytes } from "../float-dtype.ts";
import { LAYOUTS, type Layout } from "./layouts.ts";
import { PROVEN_AS_PUBLISHED, PROVEN_MODEL_TYPES } from "./proven.ts";
import { MLX_LM_VERSION } from "./version.ts";

/** How a packing of the files is held. */
type Loading = "as stored" | "fp8 to bfloat16" | "packed anew" | "with biases";

/** By the code that reads them for every model (`utils.py`, load_model). */
const LOADING: ReadonlyMap<string, Loading> = new Map<string, Loading>([
  ["mlx", "as stored"],
  ["mxfp4", "as stored"],
  ["mxfp8", "as stored"],
  ["bitnet", "as stored"],
  ["modelopt", "as stored"],
  ["awq", "packed anew"],
  ["gptq", "packed anew"],
]);

/** Modules whose `sanitize`, or that of the one inside them, unpacks blocks of FP8. */
const READ_FP8: readonly string[] = [
  ...["deepseek_v3", "deepseek_v32", "glm_moe_dsa", "kimi_k25", "kimi_vl", "mimo_v2_flash", "minimax"],
  ...["minimax_m3_vl", "ministral3", "mistral3", "mistral4"],
];

/** Modules that read packed integers of compressed-tensors. */
const READ_INTEGERS: readonly string[] = ["deepseek_v3", "kimi_k25", "kimi_vl", "mistral4"];

/** By the packing, what a module makes of it. */
const LOADING_IN_MODULES: ReadonlyMap<string, ReadonlyMap<string, Loading>> = new Map([
  ["fp8", new Map(READ_FP8.map((module): [string, Loading] => [module, "fp8 to bfloat16"]))],
  [
    "compressed-tensors",
    new Map<string, Loading>([
      ...READ_INTEGERS.map((module): [string, Loading] => [module, "with biases"]),
      ["kimi_k3", "as stored"],
    ]),
  ],
]);

const BFLOAT16_BYTES = 2;

/** What becomes of a model's packing; undefined where mlx-lm has no code for it. */
export function loadingOf({ quantization }: Model, module: string | undefined): Loading | undefined {
  if (quantization === null) return "as stored";
  const inModules = LOADING_IN_MODULES.get(quantization.method);
  return inModules?.get(module ?? "") ?? LOADING.get(quantization.method);
}

/** Arrays of the model after `load_model`: as stored, without what its module does not have. */
export function weightItem(model: Model, module: string | undefined, device: Device): MemoryItem {
  const loading = loadingOf(model, module) ?? "as stored";
  const layout = LAYOUTS.get(module ?? "") ?? {};
  const packed = loading === "packed anew" ? packedModules(model) : undefined;
  const bytes = model.tensors
    .filter((tensor) => isLoaded(tensor, model, layout))
    .reduce((sum, tensor) => sum + (packed?.(tensor) ?? heldBytes(tensor, loading)), 0);
  return {
    component: "weights",
    label: `weights, ${loading}`,
    device: device.name,
    bytes,
    certainty: certaintyOf(model),
    source: `mlx-lm ${MLX_LM_VERSION} utils.py, load_model`,
  };
}

/** Golden numbers are of language models alone: packed by mlx-lm, or not packed and as transformers saves them. */
function certaintyOf({ architecture, quantization, tensors }: Model): Certainty {
  if (quantization !== null && quantization.method !== "mlx") return "derived";
  const proven = quantization === null ? PROVEN_AS_PUBLISHED : PROVEN_MODEL_TYPES;
  return proven.has(architecture ?? "") && !tensors.some(isBeside) ? "exact" : "derived";
}

/** Not of the language model, or of its heads that predict further tokens. */
function isBeside({ component }: ModelTensor): boolean {
  return component === "mtp" || component === "vision";
}

function heldBytes({ name, dtype, parameters, bytes }: ModelTensor, loading: Loading): number {
  if (loading === "fp8 to bfloat16") {
    if (name.endsWith("_scale_inv")) return 0;
    return dtype.startsWith("F8_") ? parameters * BFLOAT16_BYTES : bytes;
  }
  if (loading !== "with biases") return bytes;
  // Integers without a sign get a bias of -8 scales (`deepseek_v3.py`, sanitize).
  if (name.endsWith(".weight_shape")) return 0;
  return name.endsWith(".weight_scale") ? 2 * bytes : bytes;
}

/** `_transform_awq_weights`: zero points become biases as large as the scales, whose type all others take. */
function packedModules({ tensors }: Model): (tensor: ModelTensor) => number {
  const scales = tensors.find(({ name }) => name.endsWith(".scales"));
  const elementBytes = floatBytes(scales?.dtype ?? "F16") ?? BFLOAT16_BYTES;
  return ({ name, dtype, elements, bytes }) => {
    if (name.endsWith(".qzeros") || name.endsWith(".g_idx")) return 0;
    if (name.endsWith(".scales")) return 2 * bytes;
    return floatBytes(dtype) === undefined ? bytes : elements * elementBytes;
  };
}

/** Computed when needed; files of old releases have them. */
const ROTARY_FREQUENCIES = /rotary_emb\.inv_freq$/;
const OUTPUT_MATRIX = /(^|\.)lm_head\.(weight|scales|biases)$/;

function isLoaded(tensor: ModelTensor, { tiedEmbeddings }: Model, layout: Layout): boolean {
  const { name } = tensor;
  if (isBeside(tensor) || ROTARY_FREQUENCIES.test(name) || layout.drops?.test(name) === true) return false;
  return !(tiedEmbeddings && layout.loadsOutputMatrix !== true && OUTPUT_MATRIX.test(name));
}
