import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import type { MemoryEstimate } from "../estimate.ts";
import { activationItem } from "./activations.ts";
import { cacheOf } from "./cache.ts";
import { cacheNotes, modelNotes } from "./notes.ts";
import { overheadItems } from "./overhead.ts";
import { ranksOf } from "./ranks.ts";
import { resolveSettings } from "./settings.ts";
import { TENSORRT_LLM_VERSION } from "./version.ts";
import { weightItems } from "./weights.ts";
import type { TensorrtLlmWorkload } from "./workload.ts";

/** What TensorRT-LLM's PyTorch backend allocates, on one GPU for each rank. */
export function estimateTensorrtLlm(model: Model, workload: TensorrtLlmWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  const ranks = ranksOf(model, settings);
  const weights = weightItems(model, ranks, settings);
  const activations = ranks.map((rank) => activationItem(model, rank, settings));
  const overhead = ranks.flatMap((rank) => overheadItems(rank, settings));
  const compute = activations.some((item) => item === null) ? null : activations.filter((item) => item !== null);
  const cache = cacheOf(model, ranks, settings, [...weights, ...(compute ?? []), ...overhead]);
  return assembleEstimate({
    runtime: "tensorrt-llm",
    runtimeVersion: TENSORRT_LLM_VERSION,
    workload: settings,
    deviceNames: settings.devices.map(({ name }) => name),
    weights,
    cache: cache?.items ?? null,
    compute,
    overhead,
    cachePerToken: cache?.perToken ?? null,
    sequences: settings.sequences,
    ...(cache && { cachePerSequence: cache.perSequence }),
    capacity: cache?.capacity,
    diagnostics: [...modelNotes(model), ...(cache ? cacheNotes(model, settings, cache.capacity) : [])],
  });
}
