import type { Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { MemoryItem } from "../estimate.ts";
import type { Cells } from "./cells.ts";
import { formItems } from "./compute-form.ts";
import { drawnCompute } from "./compute-graph.ts";
import { worstCaseTokens } from "./graph-moments.ts";
import { cudaPoolItem } from "./overhead.ts";
import type { Placement } from "./placement.ts";
import { PROVEN_COMPUTE } from "./proven.ts";
import type { LlamaCppSettings } from "./settings.ts";
import type { TensorPlaces } from "./tensor-place.ts";

/** What a context computes: the model's own graph, or one of which only a closed form is known. */
export type ComputeSubject = {
  readonly model: Model;
  readonly settings: LlamaCppSettings;
  readonly cells: Cells;
  readonly placement: Placement;
  readonly places: TensorPlaces;
  readonly cacheBytes: number;
  /** The model that a draft is for, in its context. */
  readonly target?: Omit<ComputeSubject, "cacheBytes">;
};

/** Splits that put parts of one tensor on several GPUs: how their graphs are cut is not followed. */
const SPLIT_TENSORS: ReadonlySet<LlamaCppSettings["splitMode"]> = new Set(["row", "tensor"]);

export type ComputeItems = {
  /** Compute buffers; null where neither the graph nor a closed form is known. */
  readonly buffers: readonly MemoryItem[] | null;
  /** Memory pools beside them, of CUDA devices; none where no graph is drawn. */
  readonly pools: readonly MemoryItem[];
};

/**
 * Items of each device that computes: planned on the architecture's graph where it can be drawn, and otherwise by a closed
 * form.
 */
export function computeItems(subject: ComputeSubject): ComputeItems {
  const { model, settings, cells, placement, places, cacheBytes } = subject;
  const drawn = drawnItems(subject);
  return drawn ?? { buffers: formItems(model, settings, cells, placement, places, cacheBytes), pools: [] };
}

function drawnItems({ cacheBytes: _, ...subject }: ComputeSubject): ComputeItems | undefined {
  const { model, settings, cells, placement } = subject;
  if (SPLIT_TENSORS.has(settings.splitMode) && placement.gpus.length > 0) return undefined;
  const reserved = drawnCompute(subject);
  if (reserved === undefined) return undefined;
  const label = `compute buffer, ${worstCaseTokens(settings, cells)} tokens`;
  const { host, gpus } = placement;
  const isExact = PROVEN_COMPUTE.has(model.architecture ?? "") && areCompared(gpus);
  const pools = gpus.flatMap((device) => {
    const pool = reserved.get(device)?.pool;
    return pool === undefined || pool.high === 0 ? [] : [cudaPoolItem(device.name, pool)];
  });
  const buffers = [...gpus, host].flatMap((device): MemoryItem[] => {
    const bytes = reserved.get(device)?.buffer ?? 0;
    if (bytes === 0) return [];
    return [
      {
        component: "compute",
        label: device === host && gpus.length > 0 ? `${label}, host side` : label,
        device: device.name,
        bytes,
        certainty: isExact ? "exact" : "derived",
        source: sourceOf(device),
      },
    ];
  });
  return { buffers, pools };
}

/** The engine was asked about GPUs of CUDA, and about one of Metal: not about several of Metal, nor about both kinds. */
function areCompared(gpus: readonly Device[]): boolean {
  return gpus.length <= 1 || gpus.every(({ kind }) => kind === "cuda");
}

const SOURCE = "llama.cpp 0.5.0 src/llama-context.cpp:622, ggml/src/ggml-alloc.c:686";

/** What decides on the order of nodes and on their bytes, by kind of device. */
const DECIDES: { readonly [kind in Device["kind"]]: string } = {
  cpu: "",
  cuda: ", ggml/src/ggml-backend.cpp:1066, ggml-cuda/ggml-cuda.cu:902",
  metal: ", ggml/src/ggml-backend.cpp:1066, ggml-metal/ggml-metal.cpp:220, ggml-metal/ggml-metal-common.cpp:257",
};

function sourceOf({ kind }: Device): string {
  return `${SOURCE}${DECIDES[kind]}`;
}
