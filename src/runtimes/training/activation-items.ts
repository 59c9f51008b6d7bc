import type { Model } from "../../model/model.ts";
import type { MemoryItem } from "../estimate.ts";
import { activationBytes } from "./activations.ts";
import type { TrainingSettings } from "./settings.ts";

export function activationItems(model: Model, settings: TrainingSettings): readonly MemoryItem[] | null {
  const bytes = activationBytes(model, settings);
  if (bytes === null) return null;
  return settings.devices.map(({ name }) => ({
    component: "compute",
    label: `activations`,
    device: name,
    bytes,
    certainty: "derived",
    source: "",
  }));
}
