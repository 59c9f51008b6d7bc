import type { Model, ModelTensor } from "../../model/model.ts";
import { floatBytes } from "../float-dtype.ts";
import { loadedTensors } from "../transformers/weights.ts";
import { stackedNames, targetedTensors } from "./lora-targets.ts";
import { type TrainingSettings, weightDtype } from "./settings.ts";
import { stackExperts } from "./stacked-experts.ts";
import type { Trained } from "./states.ts";

/** Saved with the weights and changed by no gradient: biases that balance experts, constants, running statistics. */
const BUFFER = /(^|\.)(e_score_correction_bias|expert_bias|inv_freq|layer_scalar|masked_bias|attn\.bias)$/;

/** Parameters of the model, without buffers. */
export function parametersOf(model: Model): readonly ModelTensor[] {
  return loadedTensors(model).filter(({ name }) => !BUFFER.test(name));
}

/** The tensors that gradients and optimizer states are for: all parameters, or the adapters on some. */
export function trainedTensors(model: Model, settings: TrainingSettings): readonly Trained[] {
  return settings.method === "full"
    ? stackExperts(parametersOf(model)).map(({ shape, component }) => ({
        shape,
        elementBytes: floatBytes(weightDtype(settings)) ?? F32_BYTES,
        embedding: component === "embedding",
      }))
    : adapters(model, settings);
}

const F32_BYTES = 4;

/**
 * Two matrices beside each targeted one, in by rank and rank by out: in float32 whatever the model runs in
 * (`peft/tuners/tuners_utils.py`, cast_adapter_dtype).
 */
function adapters(model: Model, settings: TrainingSettings): readonly Trained[] {
  const { loraRank, loraTargets } = settings;
  const tensors = parametersOf(model);
  const targeted = targetedTensors(model, tensors, loraTargets).flatMap(({ shape }) => pair(shape, loraRank));
  const stacked = adaptedStacks(model, settings);
  const routers = stacked.has("gate.weight") ? tensors.filter(({ name }) => name.endsWith(".gate.weight")) : [];
  return [
    ...targeted,
    ...routers.flatMap(({ shape }) => pair(shape, loraRank)),
    ...expertAdapters(model, loraRank, stacked),
  ];
}

/** Parameters of stacked experts, and of their router, that have adapters. */
export function adaptedStacks(model: Model, { loraTargets }: TrainingSettings): ReadonlySet<string> {
  const asked = ([old]: readonly [string, string]): boolean =>
    loraTargets === "all-linear" || loraTargets.includes(old);
  return new Set([...stackedNames(model)].filter(asked).map(([, now]) => now));
}

function pair(sizes: readonly number[], rank: number): readonly Trained[] {
  return sizes.map((size) => ({ shape: [rank, size], elementBytes: F32_BYTES, embedding: false }));
}

/**
 * Of stacked experts each has a rank of its own, and of two matrices in one parameter both
 * (`transformers_weight_conversion.py`, _convert_peft_config_moe; `peft/tuners/lora/layer.py`, ParamWrapper).
 */
function expertAdapters(model: Model, rank: number, stacked: ReadonlySet<string>): readonly Trained[] {
  const hidden = model.hiddenSize ?? 0;
  return model.layers.flatMap(({ feedForward, mtp }) => {
    if (feedForward.kind !== "experts" || mtp === true) return [];
    const { experts, expertIntermediateSize: width } = feedForward;
    return [
      ...(stacked.has("gate_up_proj") ? pair([hidden, 2 * width], 2 * rank * experts) : []),
      ...(stacked.has("down_proj") ? pair([width, hidden], rank * experts) : []),
    ];
  });
}
