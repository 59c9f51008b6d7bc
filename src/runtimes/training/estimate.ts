import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import { contextItems } from "../cuda-context.ts";
import type { Certainty, MemoryEstimate } from "../estimate.ts";
import { activationItems } from "./activation-items.ts";
import { modelStates, stateItems } from "./model-states.ts";
import { resolveSettings, type TrainingSettings } from "./settings.ts";
import { TRAINING_VERSION } from "./version.ts";
import type { TrainingWorkload } from "./workload.ts";

/** What one step of training allocates on each GPU. */
export function estimateTraining(model: Model, workload: TrainingWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  const states = modelStates(model, settings);
  const certainty = certaintyOf(model, settings);
  const activations = activationItems(model, settings);
  return assembleEstimate({
    runtime: "training",
    runtimeVersion: TRAINING_VERSION,
    workload: settings,
    deviceNames: settings.devices.map(({ name }) => name),
    weights: settings.devices.flatMap(({ name }) => stateItems(states, settings, name, certainty)),
    cache: [],
    compute: activations,
    overhead: settings.devices.flatMap(contextItems),
    cachePerToken: 0,
    sequences: settings.sequences,
    diagnostics: [],
  });
}

function certaintyOf(_model: Model, _settings: TrainingSettings): Certainty {
  return "derived";
}
