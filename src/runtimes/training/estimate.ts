import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import type { Certainty, MemoryEstimate } from "../estimate.ts";
import { PROVEN_MODEL_TYPES } from "../transformers/proven.ts";
import { activationItems } from "./activation-items.ts";
import { modelStates, stateItems } from "./model-states.ts";
import { hostItems, overheadItems } from "./overhead.ts";
import { PROVEN_FULL, PROVEN_LORA, PROVEN_NF4 } from "./proven.ts";
import { resolveSettings, type TrainingSettings } from "./settings.ts";
import { TRAINING_VERSION } from "./version.ts";
import type { TrainingWorkload } from "./workload.ts";

/** Where what does not stay on a GPU is kept. */
const HOST = "CPU";

/** What one step of training allocates on each GPU. */
export function estimateTraining(model: Model, workload: TrainingWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  const { devices } = settings;
  const states = modelStates(model, settings);
  const certainty = certaintyOf(model, settings);
  const onGpus = devices.flatMap(({ name }) => stateItems(states, settings, name, certainty));
  const activations = activationItems(model, settings);
  const host = hostItems(states.host, HOST);
  const names = devices.map(({ name }) => name);
  return assembleEstimate({
    runtime: "training",
    runtimeVersion: TRAINING_VERSION,
    workload: settings,
    deviceNames: [...new Set([...names, ...host.map(({ device }) => device)])],
    weights: [...onGpus, ...host],
    cache: [],
    compute: activations,
    overhead: devices.flatMap((device) =>
      overheadItems(device, settings, states.gradients, [...onGpus, ...(activations ?? [])]),
    ),
    cachePerToken: 0,
    sequences: settings.sequences,
    diagnostics: [],
  });
}

/** The golden numbers were asked of models on one device, and of model types. */
function certaintyOf(model: Model, { method, sharding }: TrainingSettings): Certainty {
  const type = model.architecture ?? "";
  if (model.layers.length === 0 || model.quantization !== null || sharding !== "none") return "derived";
  const proven = method === "full" ? PROVEN_FULL : PROVEN_LORA;
  return PROVEN_MODEL_TYPES.has(type) && proven.has(type) && (method !== "qlora" || PROVEN_NF4.has(type))
    ? "exact"
    : "derived";
}
