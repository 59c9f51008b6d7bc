import type { Model, ModelTensor } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { tensorBytes } from "./buffer-bytes.ts";
import { ALWAYS_DUPLICATES_EMBEDDING, OUTPUT_IS_EMBEDDING } from "./engine-facts.ts";
import { type MappedSpan, mappedSpan } from "./mapped-span.ts";
import type { Placement } from "./placement.ts";
import { isRepacked } from "./repacking.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { EMBEDDING, isInputTensor, isLeftOut, isReadByRow, OUTPUT_MATRIX, type TensorPlaces } from "./tensor-place.ts";

const SOURCE = "llama.cpp 0.5.0 src/llama-model-loader.cpp:1115-1395, ggml/src/ggml-alloc.c:1168";
const MAPPED_SOURCE = "llama.cpp 0.5.0 src/llama-model.cpp:1776-1797, src/llama-model-loader.cpp:1452";

/** Architectures that make the embedding of the output matrix where it is not stored: two copies as well (`src/models/codeshell.cpp:19`). */
const EMBEDDING_FROM_OUTPUT: ReadonlySet<string> = new Set(["codeshell"]);

/** Bytes on one device: of tensors as they are stored, reordered for the CPU, and read as needed. */
type Buffers = { plain: number; repacked: number; lazy: number; readonly mapped: MappedSpan };

/** Weights on each device: every loaded tensor at its padded size, or the part of the files that is mapped. */
export function weightItems(
  model: Model,
  settings: LlamaCppSettings,
  placement: Placement,
  places: TensorPlaces,
  certainty: Certainty,
): MemoryItem[] {
  const repacking = repackingCpu(settings, placement);
  const all = new Map<Device, Buffers>();
  for (const device of [...placement.gpus, placement.host]) {
    all.set(device, { plain: 0, repacked: 0, lazy: 0, mapped: mappedSpan() });
  }
  for (const tensor of model.tensors) {
    if (!settings.loadMtp && isLeftOut(tensor, model.architecture)) continue;
    for (const device of places.devicesOf(tensor.name)) {
      const buffers = all.get(device);
      const kind = bufferOf(tensor, device === placement.host && repacking);
      if (buffers === undefined) continue;
      buffers[kind] += tensorBytes(device, tensor);
      if (kind === "plain") buffers.mapped.add(tensor);
    }
  }
  const copy = tiedCopy(model, places, settings, repacking);
  return [...all].flatMap(([device, buffers]) => {
    const item = (label: string, bytes: number, source = SOURCE): MemoryItem[] =>
      bytes === 0 ? [] : [{ component: "weights", label, device: device.name, bytes, certainty, source }];
    const isMapped = settings.memoryMap && device.kind !== "cuda";
    const { plain, repacked, lazy, mapped } = buffers;
    return [
      ...(isMapped
        ? item(mappedLabel(plain), mapped.bytes(), MAPPED_SOURCE)
        : item(labelOf(device, placement, settings), plain)),
      ...item("weights reordered for this CPU", repacked),
      ...item("embeddings read from the file row by row, never loaded whole", lazy),
      ...(copy?.device === device ? item(copy.label, tensorBytes(device, copy.tensor)) : []),
    ];
  });
}

function bufferOf(tensor: ModelTensor, repacking: LlamaCppSettings["repack"]): "plain" | "repacked" | "lazy" {
  if (isReadByRow(tensor)) return "lazy";
  return !isInputTensor(tensor.name) && isRepacked(tensor, repacking) ? "repacked" : "plain";
}

/** The pinned memory of a GPU comes before reordered buffers, and takes everything (`make_cpu_buft_list`). */
function repackingCpu({ repack, pinnedHost }: LlamaCppSettings, { gpus }: Placement): LlamaCppSettings["repack"] {
  return pinnedHost && gpus.some(({ kind }) => kind === "cuda") ? false : repack;
}

function mappedLabel(stored: number): string {
  return `weights, the mapped part of the file; ${stored} bytes of it tensors`;
}

function labelOf(device: Device, { host, gpus }: Placement, { memoryMap, repack }: LlamaCppSettings): string {
  if (device !== host) return "weights";
  if (gpus.length > 0) return "weights kept on the CPU side";
  return memoryMap || repack !== false ? "weights" : "weights, neither memory-mapped nor repacked";
}

/** The second copy of a matrix that is both embedding and output. */
type Copy = { readonly device: Device; readonly tensor: ModelTensor; readonly label: string };

/** The output layer of a tied model shares the embedding only where both are in one buffer. */
function tiedCopy(
  model: Model,
  { devicesOf, tiedOutput }: TensorPlaces,
  { memoryMap }: LlamaCppSettings,
  repacking: LlamaCppSettings["repack"],
): Copy | undefined {
  const architecture = model.architecture ?? "";
  const embedding = model.tensors.find(({ name }) => name === EMBEDDING);
  const device = (embedding === undefined ? devicesOf(OUTPUT_MATRIX)[0] : undefined) ?? tiedOutput;
  // Two tensors of one buffer that is mapped are the same bytes of the file.
  const isMapped = memoryMap && device.kind !== "cuda";
  if (embedding === undefined) {
    const output = EMBEDDING_FROM_OUTPUT.has(architecture) && model.tensors.find(({ name }) => name === OUTPUT_MATRIX);
    if (!output || isMapped) return undefined;
    return { device, tensor: output, label: "token embedding, a copy of the output matrix" };
  }
  if (!model.tiedEmbeddings || OUTPUT_IS_EMBEDDING.has(architecture)) return undefined;
  const shared = devicesOf(EMBEDDING)[0] === device && !(device.kind === "cpu" && isRepacked(embedding, repacking));
  const duplicated = ALWAYS_DUPLICATES_EMBEDDING.has(architecture) && !isMapped;
  if (shared && !duplicated) return undefined;
  return { device, tensor: embedding, label: "output matrix, a copy of the tied token embedding" };
}
