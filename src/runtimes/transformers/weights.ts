import type { Model, ModelTensor } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import { floatBytes } from "./dtype.ts";

/** Tensors that a tied model drops: the output matrix is the embedding. */
const OUTPUT_MATRIX = /(^|\.)lm_head\.weight$/;

/**
 * Parameters on the device after `from_pretrained`: floating-point tensors in the type the model runs in, packed and
 * integer tensors as stored, one copy of tied matrices, no blocks that predict further tokens.
 */
export function weightItem(model: Model, dtype: string, device: string): MemoryItem {
  const elementBytes = floatBytes(dtype) ?? 4;
  // Quantized checkpoints keep the types they were stored in, scales included.
  const converts = model.quantization === null;
  let bytes = 0;
  for (const tensor of model.tensors) {
    if (!isLoaded(tensor, model)) continue;
    const converted = converts && floatBytes(tensor.dtype) !== undefined;
    bytes += converted ? tensor.elements * elementBytes : tensor.bytes;
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

function isLoaded(tensor: ModelTensor, model: Model): boolean {
  if (tensor.component === "mtp") return false;
  return !(model.tiedEmbeddings && OUTPUT_MATRIX.test(tensor.name));
}
