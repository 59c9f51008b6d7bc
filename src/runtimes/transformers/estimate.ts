import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import { contextItems } from "../cuda-context.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryEstimate } from "../estimate.ts";
import { floatBytes, runningDtype } from "../float-dtype.ts";
import { bytesPerToken, cacheItems } from "../layer-cache.ts";
import { activationItems } from "./activations.ts";
import { allocatorItems } from "./allocator.ts";
import { bufferItems } from "./buffers.ts";
import { layerCaches } from "./cache.ts";
import { PROVEN_MODEL_TYPES } from "./proven.ts";
import { resolveSettings, type TransformersSettings } from "./settings.ts";
import { TRANSFORMERS_VERSION } from "./version.ts";
import { loadedTensorBytes, weightItem } from "./weights.ts";
import type { TransformersWorkload } from "./workload.ts";

/** What PyTorch transformers allocates for `generate` on one device. */
export function estimateTransformers(model: Model, workload: TransformersWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  const device: Device = settings.devices[0] ?? { name: "CPU", kind: "cpu" };
  const dtype = runningDtype(model, settings.dtype);
  const elementBytes = floatBytes(dtype) ?? 4;
  const caches = layerCaches(model, settings, elementBytes)?.flat() ?? null;
  const certainty = certaintyOf(model, settings.version);
  const cacheCertainty = wasCached(model, settings) ? certainty : "derived";
  return assembleEstimate({
    runtime: "transformers",
    runtimeVersion: settings.version,
    workload: settings,
    deviceNames: [device.name],
    weights: [weightItem(model, dtype, device, certainty), ...bufferItems(model, elementBytes, device, certainty)],
    cache: caches && cacheItems(caches, device.name, cacheCertainty),
    compute: activationItems(model, settings, elementBytes, device, cacheCertainty),
    overhead: [...contextItems(device), ...allocatorItems(loadedTensorBytes(model, dtype, device), device)],
    cachePerToken: caches && bytesPerToken(caches),
    sequences: settings.sequences,
    diagnostics: [],
  });
}

/** The golden numbers were asked of one release, and of models: an adapter may name the type it is for. */
function certaintyOf(model: Model, version: string): Certainty {
  if (model.layers.length === 0) return "derived";
  return version === TRANSFORMERS_VERSION && PROVEN_MODEL_TYPES.has(model.architecture ?? "") ? "exact" : "derived";
}

const QUANTIZED_WERE_RUN: ReadonlySet<string> = new Set(["llama"]);

/** Runs had no beams, and quantized caches of one model type only. */
function wasCached({ architecture }: Model, { beams, cache }: TransformersSettings): boolean {
  return beams === 1 && (cache !== "quantized" || QUANTIZED_WERE_RUN.has(architecture ?? ""));
}
