import type { Mixer } from "../../model/mixer.ts";
import { attentionPart } from "../../model/mixer-parts.ts";
import type { MetadataValue, Model } from "../../model/model.ts";
import type { Device } from "../device.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { isMetadataObject } from "../metadata-object.ts";
import { buffersBesideRotary, rotaryParts, WITHOUT_ROTARY } from "./model-buffers.ts";

const FLOAT32_BYTES = 4;

/** A model keeps its frequencies, and the ones it began with (`modeling_rope_utils.py`, dynamic_rope_update). */
const COPIES = 2;

/** One frequency turns two elements of a head. */
const ELEMENTS_PER_FREQUENCY = 2;

/**
 * Tensors beside the parameters that no checkpoint holds (`nn.Buffer` with `persistent=False`): with the weights they
 * are what `get_memory_footprint()` counts.
 */
export function bufferItems(model: Model, elementBytes: number, device: Device, certainty: Certainty): MemoryItem[] {
  const bytes = Math.ceil(rotaryBytes(model) + buffersBesideRotary(model, elementBytes));
  if (bytes === 0) return [];
  return [
    {
      component: "weights",
      label: "buffers that no file holds",
      device: device.name,
      bytes,
      certainty,
      source: "transformers 5.23.0 modeling_utils.py, get_memory_footprint",
    },
  ];
}

function rotaryBytes(model: Model): number {
  const { architecture, layers, metadata } = model;
  if (WITHOUT_ROTARY.has(architecture ?? "")) return 0;
  const attending = layers.map(({ mixer }) => mixer).filter((mixer) => attentionPart(mixer) !== undefined);
  const parameters = metadata["rope_parameters"];
  const sets =
    isMetadataObject(parameters) && Object.values(parameters).some(isMetadataObject) ? Object.entries(parameters) : [];
  const frequencies =
    sets.length === 0
      ? frequenciesOf(attending[0], metadata, parameters)
      : sets.reduce(
          (sum, [kind, own]) => sum + frequenciesOf(firstOfKind(attending, kind, model.causal), metadata, own),
          0,
        );
  return rotaryParts(model) * COPIES * frequencies * FLOAT32_BYTES;
}

/** Layers of one kind share their frequencies; a kind without layers has none. Windows of encoders are not known. */
function firstOfKind(mixers: readonly Mixer[], kind: string, causal: boolean): Mixer | undefined {
  const wantsWindow = /sliding|chunked/.test(kind);
  const found = mixers.find((mixer) => (attentionPart(mixer)?.window.kind !== "none") === wantsWindow);
  return found ?? (causal ? undefined : mixers[0]);
}

function frequenciesOf(mixer: Mixer | undefined, metadata: Model["metadata"], own: MetadataValue | undefined): number {
  const attention = mixer === undefined ? undefined : attentionPart(mixer);
  if (attention === undefined || own === null) return 0;
  if (attention.kind === "latent") return Math.ceil(attention.ropeDim / ELEMENTS_PER_FREQUENCY);
  const rotated = Math.floor(attention.keyDim * rotatedShare(metadata, own));
  return Math.ceil(rotated / ELEMENTS_PER_FREQUENCY);
}

/** `proportional` has frequencies for the whole head, some of them zero (`_compute_proportional_rope_parameters`). */
function rotatedShare(metadata: Model["metadata"], own: MetadataValue | undefined): number {
  const named = isMetadataObject(own) ? own : {};
  if (named["rope_type"] === "proportional") return 1;
  const shares = [named["partial_rotary_factor"], metadata["partial_rotary_factor"], metadata["rotary_pct"]];
  return shares.find((share): share is number => typeof share === "number" && share >= 0) ?? 1;
}
