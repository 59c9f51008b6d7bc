import type { Model } from "../../model/model.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { F32_BYTES } from "./buffer-bytes.ts";
import { cellListItem } from "./cell-list.ts";
import type { Cells } from "./cells.ts";
import type { PoolBytes } from "./cuda/pool.ts";
import { ALWAYS_PUTS_OUT_EMBEDDINGS, HYPER_CONNECTED_OUTPUT } from "./engine-facts.ts";
import type { Placement } from "./placement.ts";
import type { LlamaCppSettings } from "./settings.ts";
import type { TensorPlaces } from "./tensor-place.ts";
import { workBufferItem } from "./work-buffer.ts";

const MIB = 1024 * 1024;

/** What a context keeps on the host: the output buffer, the CPU's work buffer, the list of cells. Null where the vocabulary is not known. */
export function overheadItems(
  model: Model,
  settings: LlamaCppSettings,
  cells: Cells,
  placement: Placement,
  places: TensorPlaces,
  certainty: Certainty,
): MemoryItem[] | null {
  const { vocabularySize } = model;
  const { host } = placement;
  if (vocabularySize === null) return null;
  const embedding = embeddingWidth(model, settings);
  const output: MemoryItem = {
    component: "overhead",
    label: `output buffer, ${settings.sequences} x ${vocabularySize} logits${embedding > 0 ? ` and ${embedding} of an embedding` : ""}`,
    device: host.name,
    bytes: F32_BYTES * settings.sequences * (vocabularySize + embedding),
    certainty,
    source: "llama.cpp 0.5.0 src/llama-context.cpp:2103-2160, output_reserve",
  };
  return [output, workBufferItem(model, settings, cells, placement, places), cellListItem(model, cells, host)].filter(
    ({ bytes }) => bytes > 0,
  );
}

/** Numbers of one embedding that is put out (`n_embd_out`), 0 where none is. */
function embeddingWidth({ architecture, metadata, hiddenSize }: Model, { embeddings }: LlamaCppSettings): number {
  const name = architecture ?? "";
  if (!embeddings && !ALWAYS_PUTS_OUT_EMBEDDINGS.has(name)) return 0;
  const streams = HYPER_CONNECTED_OUTPUT.has(name) ? metadata[`${name}.hyper_connection.count`] : undefined;
  if (typeof streams === "number" && streams > 0) return streams * (hiddenSize ?? 0);
  const width = metadata[`${name}.embedding_length_out`];
  return typeof width === "number" && width > 0 ? width : (hiddenSize ?? 0);
}

/** CUDA's own context with its kernels on each device, there once: 451-456 MiB measured, 0.4-0.6 GiB in general. */
export function gpuContextItems({ gpus }: Placement): MemoryItem[] {
  return gpus.filter(({ kind }) => kind === "cuda").map(({ name }) => cudaContext(name));
}

/** What kernels take on a device when they run, from the first full batch on; cuBLAS's work space with it. */
export function cudaPoolItem(device: string, pool: PoolBytes): MemoryItem {
  return {
    component: "overhead",
    label: "CUDA memory pool",
    device,
    bytes: pool.bytes,
    certainty: "estimate",
    source: "llama.cpp 0.5.0 ggml/src/ggml-cuda/ggml-cuda.cu:535, ggml_cuda_pool_vmm; common.cuh:1549, cublas_handle",
    low: pool.low,
    high: pool.high,
  };
}

function cudaContext(device: string): MemoryItem {
  return {
    component: "overhead",
    label: "CUDA context and kernels",
    device,
    bytes: 455 * MIB,
    certainty: "estimate",
    source: "ggml-org/llama.cpp pull request 15860 (RTX 4090)",
    low: 400 * MIB,
    high: 614 * MIB,
  };
}
