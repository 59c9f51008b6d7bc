import type { Diagnostic } from "../../diagnostics.ts";
import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import { contextItems } from "../cuda-context.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryEstimate } from "../estimate.ts";
import { floatBytes, runningDtype } from "../float-dtype.ts";
import { bytesPerToken, cacheItems } from "../layer-cache.ts";
import { layerCaches } from "./cache.ts";
import { activationItem, promptCacheItems } from "./compute.ts";
import { moduleOf } from "./modules.ts";
import { PROVEN_MODEL_TYPES } from "./proven.ts";
import { refuseOptions } from "./refusals.ts";
import { APPLE_GPU, resolveSettings } from "./settings.ts";
import { MLX_LM_VERSION } from "./version.ts";
import { loadingOf, weightItem } from "./weights.ts";
import type { MlxWorkload } from "./workload.ts";

/** What mlx-lm holds at the end of a generation, and beside it while the prompt is read. */
export function estimateMlx(model: Model, workload: MlxWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  const [device = APPLE_GPU] = settings.devices;
  const module = moduleOf(model);
  if (module !== undefined) refuseOptions(model, module, settings);
  const elementBytes = floatBytes(runningType(model)) ?? 4;
  const caches = module === undefined ? null : (layerCaches(model, module, settings, elementBytes)?.flat() ?? null);
  const certainty = certaintyOf(model);
  const activations = activationItem(model, settings, device, elementBytes);
  return assembleEstimate({
    runtime: "mlx",
    runtimeVersion: MLX_LM_VERSION,
    workload: settings,
    deviceNames: [device.name],
    weights: [weightItem(model, module, device)],
    cache: caches && cacheItems(caches, device.name, certainty),
    compute: activations && caches && [activations, ...promptCacheItems(caches, device)],
    overhead: contextItems(device),
    cachePerToken: caches && bytesPerToken(caches),
    sequences: settings.sequences,
    diagnostics: [...unloadable(model, module), ...wiredLimit(device)],
  });
}

/**
 * The type of the vectors between the layers: that of the embedding, or of the scales where it is packed. mlx-lm loads
 * arrays as stored and does not ask config.json for a type.
 */
function runningType(model: Model): string {
  const embedding = model.tensors.filter(({ component }) => component === "embedding");
  return embedding.find(({ dtype }) => floatBytes(dtype) !== undefined)?.dtype ?? runningDtype(model, "auto");
}

/** What of a model mlx-lm has no code for: it would break off on loading. */
function unloadable(model: Model, module: string | undefined): Diagnostic[] {
  const notes: string[] = [];
  if (module === undefined) notes.push(`has no model type ${model.architecture ?? "where none is named"}`);
  if (module !== undefined && loadingOf(model, module) === undefined)
    notes.push(`has no code for ${module} weights packed by ${model.quantization?.method}`);
  return notes.map((note) => ({
    code: "unsupported-runtime",
    message: `mlx-lm ${MLX_LM_VERSION} ${note} and does not load this model; its weights are counted as stored.`,
    where: "mlx",
  }));
}

/** Not all of unified memory is for the GPU. */
function wiredLimit({ name, kind, memoryBytes }: Device): Diagnostic[] {
  if (kind !== "metal" || memoryBytes === undefined) return [];
  return [
    {
      code: "not-counted",
      message:
        "What fits is held against what macOS surely lets the GPU wire of unified memory: two thirds, or three quarters above 36 GiB. By chip and release it is up to 15/16; mx.device_info() tells it, sysctl iogpu.wired_limit_mb raises it. The rest is for macOS and other programs.",
      where: name,
    },
  ];
}

function certaintyOf({ architecture, layers }: Model): Certainty {
  return layers.length > 0 && PROVEN_MODEL_TYPES.has(architecture ?? "") ? "exact" : "derived";
}
