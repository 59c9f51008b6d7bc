import type { Model, ModelLayer, ModelTensor } from "../../model/model.ts";
import { FAMILIES, type Family, OTHER_FAMILY } from "./families.ts";
import { canFollow, type LayerFacts, layerStep, normStep } from "./layer-steps.ts";
import { linearModule, newStep, type Step, weight } from "./modules.ts";
import { add, cast, dropout, fromOutput, scale } from "./operators.ts";
import { backwardPeak, keptBytes } from "./replay.ts";
import type { TrainingSettings } from "./settings.ts";
import { record, type Tape, type Value } from "./tape.ts";

const F32_BYTES = 4;
const INDEX_BYTES = 8;

/** What a step takes at most, in bytes. */
export type StepPeak = {
  /** Beside all gradients, which are counted apart though not all are there when activations are. */
  readonly beside: number;
  /** Of activations and temporaries alone. */
  readonly whole: number;
};

/** The most bytes one step has beside weights and optimizer states; null where the model cannot be followed. */
export function activationPeak(model: Model, settings: TrainingSettings): StepPeak | null {
  const { hiddenSize, vocabularySize, layers } = model;
  const embedding = model.tensors.find(
    (tensor) => tensor.component === "embedding" && tensor.shape[0] === vocabularySize,
  );
  if (hiddenSize === null || vocabularySize === null || embedding === undefined) return null;
  const family = FAMILIES.get(model.architecture ?? "") ?? OTHER_FAMILY;
  const step = newStep(model, settings);
  const { tape, rows } = step;
  let hidden = embeddingStep(step, model, embedding, family);
  for (const layer of layers.filter(({ mtp }) => mtp !== true)) {
    const facts = layerFacts(model, layer, family);
    if (facts === null) return null;
    tape.segment = settings.checkpointing ? layer.index : null;
    if (tape.segment !== null) tape.segmentInputs.set(tape.segment, hidden.storage);
    hidden = layerStep(step, hidden, facts);
  }
  tape.segment = null;
  const normed = normStep(step, hidden, { family });
  const own = model.tiedEmbeddings ? undefined : model.tensors.find(({ component }) => component === "output");
  const plain = linearModule(step, normed, own ?? embedding);
  const logits = family.scaled?.includes("logits") ? scale(tape, plain) : plain;
  const beforeLoss = keptBytes(tape) + castBytes(tape, settings);
  lossStep(step, logits);
  // Token ids and their labels, shifted, and the cosines and sines of positions.
  const tables =
    rows * 2 * INDEX_BYTES +
    (family.rotary !== "none" ? 2 * settings.sequenceTokens * rotaryDim(model) * hidden.width : 0);
  const wide = logits.width < F32_BYTES ? logits.elements * F32_BYTES : 0;
  const forward = beforeLoss + logits.elements * (logits.width + F32_BYTES) + wide;
  return phases(step, forward, tables);
}

/**
 * The highest of: the end of the forward pass, and the gradients' making, each beside the gradients counted elsewhere. Those
 * are held all the time where they are summed up over micro-batches, or shared out as they are made.
 */
function phases({ tape, trained, settings }: Step, forward: number, tables: number): StepPeak {
  const gradients = [...trained.values()].reduce((sum, { storage }) => sum + storage.bytes, 0);
  const whole = Math.max(forward, backwardPeak(tape, true)) + tables;
  if (settings.gradientAccumulation > 1 || settings.sharding !== "none") return { beside: whole, whole };
  return { beside: Math.max(0, Math.max(forward, backwardPeak(tape, false)) - gradients) + tables, whole };
}

function rotaryDim({ headDim, metadata }: Model): number {
  const parameters = metadata["rope_parameters"];
  const share =
    typeof parameters === "object" && parameters !== null && !Array.isArray(parameters)
      ? (parameters as { readonly [key: string]: unknown })["partial_rotary_factor"]
      : metadata["partial_rotary_factor"];
  return Math.floor((headDim?.key ?? 0) * (typeof share === "number" ? share : 1));
}

/** Copies of weights that `torch.autocast` keeps through the forward pass, where no layer keeps them. */
function castBytes({ castWeights }: Tape, { checkpointing }: TrainingSettings): number {
  return checkpointing ? [...castWeights.values()].reduce((sum, { storage }) => sum + storage.bytes, 0) : 0;
}

function embeddingStep(step: Step, model: Model, embedding: ModelTensor, family: Family): Value {
  const { tape, rows, settings } = step;
  const elements = rows * (model.hiddenSize ?? 0);
  const table = weight(step, embedding.name, embedding.elements);
  const looked = record(tape, [table], { elements, width: step.width });
  const placed = positionTables(model, embedding).reduce(
    (sum, { name, elements: size }) =>
      add(tape, sum, record(tape, [weight(step, name, size)], { elements, width: step.width })),
    looked,
  );
  // `enable_input_require_grads`, which peft calls for layers that are run again.
  const input = settings.checkpointing ? { ...placed, grad: true } : placed;
  const scaled = family.scaled?.includes("embedding") ? scale(tape, input) : input;
  return dropoutShare(model, family, 1) > 0 ? dropout(tape, scaled, step.onCpu) : scaled;
}

/** Learned positions, added to the tokens' vectors. */
function positionTables({ tensors, hiddenSize }: Model, embedding: ModelTensor): readonly ModelTensor[] {
  return tensors.filter(
    ({ component, name, shape }) =>
      component === "embedding" && name !== embedding.name && shape.length === 2 && shape[1] === hiddenSize,
  );
}

function dropoutShare({ metadata }: Model, { dropout: keys }: Family, which: 0 | 1): number {
  const key = keys?.[which] ?? null;
  if (keys === undefined || key === null) return 0;
  const share = metadata[key];
  return typeof share === "number" ? share : keys[2];
}

function layerFacts(model: Model, layer: ModelLayer, family: Family): LayerFacts | null {
  const { mixer, feedForward } = layer;
  if (mixer.kind !== "attention" || layer.cross !== undefined) return null;
  const [key, byDefault] = family.activation;
  const named = model.metadata[key];
  const facts: LayerFacts = {
    family,
    mixer,
    feedForward,
    tensors: model.tensors.filter((tensor) => tensor.layer === layer.index),
    activation: typeof named === "string" ? named : byDefault,
    dropout: dropoutShare(model, family, 0),
  };
  return canFollow(facts) ? facts : null;
}

/** Cross entropy in float32: keeps the logarithms of probabilities (`loss/loss_utils.py`, ForCausalLMLoss). */
function lossStep({ tape }: Step, logits: Value): void {
  const logarithms = fromOutput(tape, cast(tape, logits, F32_BYTES));
  record(tape, [logarithms], { elements: 1, width: F32_BYTES }, { saved: [logarithms] });
}
