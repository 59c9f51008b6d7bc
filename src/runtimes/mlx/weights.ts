import type { Model, ModelTensor } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { floatBytes } from "../float-dtype.ts";
import type { Layout } from "./layouts.ts";
import { MLX_LM_VERSION } from "./version.ts";

/** How a packing of the files is held (`utils.py`, load_model; the `sanitize` of the models). */
type Loading = "as stored" | "fp8 to bfloat16" | "packed anew";

const LOADING: ReadonlyMap<string, Loading> = new Map<string, Loading>([
  ["mlx", "as stored"],
  ["mxfp4", "as stored"],
  ["bitnet", "as stored"],
  ["compressed-tensors", "as stored"],
  ["modelopt", "as stored"],
  ["fp8", "fp8 to bfloat16"],
  ["awq", "packed anew"],
  ["gptq", "packed anew"],
]);

const BFLOAT16_BYTES = 2;

/** Packings whose files mlx-lm reads; undefined for those it has no code for. */
export function loadingOf({ quantization }: Model): Loading | undefined {
  return quantization === null ? "as stored" : LOADING.get(quantization.method);
}

/** Arrays of the model after `load_model`: as stored, without what its module does not have. */
export function weightItem(model: Model, layout: Layout, device: Device, proven: Certainty): MemoryItem {
  const loading = loadingOf(model) ?? "as stored";
  const packed = loading === "packed anew" ? packedModules(model) : undefined;
  const bytes = model.tensors
    .filter((tensor) => isLoaded(tensor, model, layout))
    .reduce((sum, tensor) => sum + (packed?.(tensor) ?? heldBytes(tensor, loading)), 0);
  return {
    component: "weights",
    label: `weights, ${loading}`,
    device: device.name,
    bytes,
    certainty: isProven(model) ? proven : "derived",
    source: `mlx-lm ${MLX_LM_VERSION} utils.py, load_model`,
  };
}

/** The golden numbers are of files that are not packed, or packed by mlx-lm. */
function isProven({ quantization }: Model): boolean {
  return quantization === null || quantization.method === "mlx";
}

function heldBytes({ name, dtype, parameters, bytes }: ModelTensor, loading: Loading): number {
  if (loading !== "fp8 to bfloat16") return bytes;
  if (name.endsWith("_scale_inv")) return 0;
  return dtype.startsWith("F8_") ? parameters * BFLOAT16_BYTES : bytes;
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

/** Only the language model is loaded, without the heads that predict further tokens. */
function isLoaded({ name, component }: ModelTensor, { tiedEmbeddings }: Model, layout: Layout): boolean {
  if (component === "mtp" || component === "vision" || ROTARY_FREQUENCIES.test(name)) return false;
  if (layout.drops?.test(name) === true) return false;
  return !(tiedEmbeddings && layout.loadsOutputMatrix !== true && OUTPUT_MATRIX.test(name));
}
