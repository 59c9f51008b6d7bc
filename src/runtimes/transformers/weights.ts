import type { Model, ModelTensor } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import { floatBytes } from "./dtype.ts";

/** Tensors that a tied model drops: the output matrix is the embedding. */
const OUTPUT_MATRIX = /(^|\.)lm_head\.weight$/;

/**
 * Parts of names whose tensors stay in float32 whatever the model runs in (`_keep_in_fp32_modules_strict`), or stay
 * in float32 in a float16 model only (`_keep_in_fp32_modules`), by model_type.
 */
const KEPT_IN_FLOAT32: ReadonlyMap<string, { readonly always?: RegExp; readonly inFloat16?: RegExp }> = new Map([
  ["deepseek_v3", { always: /(^|\.)e_score_correction_bias$/ }],
  ["gpt_oss", { inFloat16: /(^|\.)(post_attention_layernorm|input_layernorm|norm)\./ }],
]);

/**
 * Parameters on the device after `from_pretrained`: floating-point tensors in the type the model runs in, packed and
 * integer tensors as stored, one copy of tied matrices, no blocks that predict further tokens.
 */
export function weightItem(model: Model, dtype: string, device: string): MemoryItem {
  const elementBytes = floatBytes(dtype) ?? FLOAT32_BYTES;
  // Quantized checkpoints keep the types they were stored in, scales included.
  const converts = model.quantization === null;
  let bytes = 0;
  for (const tensor of model.tensors) {
    if (!isLoaded(tensor, model)) continue;
    if (!converts || floatBytes(tensor.dtype) === undefined) bytes += tensor.bytes;
    else bytes += tensor.elements * (staysFloat32(tensor, model, dtype) ? FLOAT32_BYTES : elementBytes);
  }
  return {
    component: "weights",
    label: converts ? `weights, ${dtype}` : "weights, as stored",
    device,
    bytes,
    certainty: "derived",
    source: "transformers 5.23.0 modeling_utils.py, from_pretrained",
  };
}

const FLOAT32_BYTES = 4;

function staysFloat32(tensor: ModelTensor, model: Model, dtype: string): boolean {
  const kept = KEPT_IN_FLOAT32.get(model.architecture ?? "");
  return kept?.always?.test(tensor.name) === true || (dtype === "F16" && kept?.inFloat16?.test(tensor.name) === true);
}

function isLoaded(tensor: ModelTensor, model: Model): boolean {
  if (tensor.component === "mtp") return false;
  return !(model.tiedEmbeddings && OUTPUT_MATRIX.test(tensor.name));
}
