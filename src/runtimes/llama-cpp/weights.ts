import { GGML_TYPES_BY_NAME } from "../../formats/gguf/types.ts";
import type { Model, ModelTensor } from "../../model/model.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { padTo } from "../pad.ts";
import type { Device } from "../workload.ts";
import { alignmentOf, type Placement } from "./placement.ts";

/** Mapping and repacking move bytes between buffers, and repacking a quantized tied output copies it. */
const LABEL = "weights, neither memory-mapped nor repacked";
const SOURCE = "llama.cpp 0.5.0 src/llama-model.cpp:1521-1533, ggml/src/ggml-alloc.c:1168";

/** Tensors of the input class (`src/llama-arch.cpp`), which stay on the CPU side whatever is offloaded. */
const INPUT_TENSORS: ReadonlySet<string> = new Set([
  "token_embd.weight",
  "position_embd.weight",
  "token_types.weight",
  "per_layer_token_embd.weight",
  "hrm.z_l_init",
]);

/**
 * Architectures that create the output matrix before the embedding, so that the tied tensor is never shared and two
 * copies are made even on one device (`src/models/gemma3n.cpp:31`, `gemma4.cpp:52`).
 */
const ALWAYS_DUPLICATES_EMBEDDING: ReadonlySet<string> = new Set(["gemma3n", "gemma4"]);

/** CUDA pads quantized rows to this many elements (MATRIX_ROW_PADDING, `ggml-cuda.cu:902`). */
const CUDA_ROW_PADDING = 512;

/**
 * Weight buffers without memory mapping or repacking: every loaded tensor at its padded size on its device. Blocks that predict
 * further tokens are left out, as by default (`load_mtp` false).
 */
export function weightItems(model: Model, placement: Placement, certainty: Certainty): MemoryItem[] {
  const { main, host } = placement;
  let mainBytes = 0;
  let hostBytes = 0;
  let copyBytes = 0;
  for (const tensor of model.tensors) {
    if (tensor.component === "mtp") continue;
    if (INPUT_TENSORS.has(tensor.name)) hostBytes += bufferBytes(tensor, host);
    else mainBytes += bufferBytes(tensor, main);
    if (tensor.name === "token_embd.weight" && copiesEmbedding(model, placement)) copyBytes = bufferBytes(tensor, main);
  }
  const item = (device: Device, text: string, bytes: number): MemoryItem => ({
    component: "weights",
    label: text,
    device: device.name,
    bytes,
    certainty,
    source: SOURCE,
  });
  const copy = copyBytes > 0 ? [item(main, "output matrix, a copy of the tied token embedding", copyBytes)] : [];
  if (main === host) return [item(main, LABEL, mainBytes + hostBytes), ...copy];
  return [item(main, LABEL, mainBytes), ...copy, item(host, "token embedding, kept on the CPU side", hostBytes)];
}

/** The output layer of a tied model shares the embedding only where both are on one buffer type. */
function copiesEmbedding(model: Model, { main, host }: Placement): boolean {
  if (!model.tiedEmbeddings || !model.causal) return false;
  return main !== host || ALWAYS_DUPLICATES_EMBEDDING.has(model.architecture ?? "");
}

/** Size of one tensor inside a buffer of this device. */
function bufferBytes(tensor: ModelTensor, device: Device): number {
  return padTo(tensor.bytes + rowPadding(tensor, device), alignmentOf(device));
}

function rowPadding(tensor: ModelTensor, device: Device): number {
  const type = GGML_TYPES_BY_NAME.get(tensor.dtype);
  if (device.kind !== "cuda" || type === undefined || type.blockElements === 1) return 0;
  const beyond = (tensor.shape[0] ?? 0) % CUDA_ROW_PADDING;
  return beyond === 0 ? 0 : ((CUDA_ROW_PADDING - beyond) / type.blockElements) * type.blockBytes;
}
