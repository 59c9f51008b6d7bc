import { GGML_TYPES_BY_NAME } from "../../formats/gguf/types.ts";
import type { Model, ModelTensor } from "../../model/model.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import type { Device } from "../workload.ts";
import { bufferBytes } from "./buffer-bytes.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { EMBEDDING, placeTensors, type TensorPlaces } from "./tensor-place.ts";

const SOURCE = "llama.cpp 0.5.0 src/llama-model-loader.cpp:1115-1395, ggml/src/ggml-alloc.c:1168";

/**
 * Architectures that create the output matrix before the embedding, so that the tied tensor is never shared and two
 * copies are made even on one device (`src/models/gemma3n.cpp:31`, `gemma4.cpp:52`).
 */
const ALWAYS_DUPLICATES_EMBEDDING: ReadonlySet<string> = new Set(["gemma3n", "gemma4"]);

/** Weights on each device, without memory mapping or repacking: every loaded tensor at its padded size. */
export function weightItems(
  model: Model,
  settings: LlamaCppSettings,
  placement: Placement,
  certainty: Certainty,
): MemoryItem[] {
  const places = placeTensors(model, settings, placement);
  const bytes = new Map<Device, number>();
  const add = (device: Device, tensor: ModelTensor): void => {
    bytes.set(device, (bytes.get(device) ?? 0) + bytesOn(device, tensor));
  };
  for (const tensor of model.tensors) {
    if (tensor.component === "mtp" && !settings.loadMtp) continue;
    for (const device of places.devicesOf(tensor.name)) add(device, tensor);
  }
  const item = (device: Device, label: string, itemBytes: number): MemoryItem => ({
    component: "weights",
    label,
    device: device.name,
    bytes: itemBytes,
    certainty,
    source: SOURCE,
  });
  const copy = tiedCopy(model, places);
  return [
    ...[...placement.gpus, placement.host].flatMap((device) => {
      const onDevice = bytes.get(device) ?? 0;
      return onDevice === 0 ? [] : [item(device, labelOf(device, placement), onDevice)];
    }),
    ...copy.map(({ device, tensor }) =>
      item(device, "output matrix, a copy of the tied token embedding", bytesOn(device, tensor)),
    ),
  ];
}

function labelOf(device: Device, { host, gpus }: Placement): string {
  if (device !== host) return "weights";
  return gpus.length === 0 ? "weights, neither memory-mapped nor repacked" : "weights kept on the CPU side";
}

/** The output layer of a tied model shares the embedding only where both are on one device. */
function tiedCopy(
  model: Model,
  { devicesOf, tiedOutput: device }: TensorPlaces,
): { readonly device: Device; readonly tensor: ModelTensor }[] {
  if (!model.tiedEmbeddings || !model.causal) return [];
  const shared = devicesOf(EMBEDDING)[0] === device;
  if (shared && !ALWAYS_DUPLICATES_EMBEDDING.has(model.architecture ?? "")) return [];
  const tensor = model.tensors.find(({ name }) => name === EMBEDDING);
  return tensor === undefined ? [] : [{ device, tensor }];
}

function bytesOn(device: Device, { bytes, dtype, shape }: ModelTensor): number {
  const type = GGML_TYPES_BY_NAME.get(dtype);
  return type === undefined ? bytes : bufferBytes(bytes, type, shape[0] ?? 1, device);
}
