import type { Model, ModelTensor } from "../../model/model.ts";
import { floatBytes } from "../float-dtype.ts";
import { targetedTensors } from "./lora-targets.ts";
import { add, cast, linear, scale } from "./operators.ts";
import { isMixed, type TrainingSettings, weightDtype } from "./settings.ts";
import { newTape, newValue, type Tape, type Value } from "./tape.ts";
import { adaptedStacks, parametersOf } from "./trained.ts";

/** A step that is being recorded. */
export type Step = {
  readonly tape: Tape;
  readonly settings: TrainingSettings;
  readonly mixed: boolean;
  readonly onCpu: boolean;
  /** Rows of every matrix: sequences x tokens. */
  readonly rows: number;
  /** Bytes of one element of a weight. */
  readonly width: number;
  readonly byName: ReadonlyMap<string, ModelTensor>;
  readonly targeted: ReadonlySet<string>;
  /** The stacked experts of a layer have adapters. */
  readonly adaptsExperts: boolean;
  /** Every parameter that is trained, once. */
  readonly trained: Map<string, Value>;
};

const F32_BYTES = 4;
const HALF_BYTES = 2;

function weightWidth(settings: TrainingSettings): number {
  if (settings.sharding !== "none" && settings.precision !== "float32") return HALF_BYTES;
  return floatBytes(weightDtype(settings)) ?? F32_BYTES;
}

export function newStep(model: Model, settings: TrainingSettings): Step {
  const tensors = parametersOf(model);
  const targeted = settings.method === "full" ? [] : targetedTensors(model, tensors, settings.loraTargets);
  return {
    tape: newTape(),
    settings,
    // DeepSpeed holds 16-bit weights, and casts nothing.
    mixed: isMixed(settings) && settings.sharding === "none",
    onCpu: settings.devices[0]?.kind === "cpu",
    rows: settings.microBatch * settings.sequenceTokens,
    width: weightWidth(settings),
    byName: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    targeted: new Set(targeted.map(({ name }) => name)),
    adaptsExperts: settings.method !== "full" && adaptedStacks(model, settings).size > 0,
    trained: new Map(),
  };
}

/** A weight of the model, with its bias: trained when all are. */
export function weight(step: Step, name: string, elements: number): Value {
  const earlier = step.trained.get(name);
  if (earlier !== undefined) return earlier;
  const bias = step.byName.get(name.replace(/\.weight$/, ".bias"))?.elements ?? 0;
  const trains = step.settings.method === "full";
  const value = newValue(elements + (trains ? bias : 0), step.width, trains, true);
  if (trains) step.trained.set(name, value);
  return value;
}

function adapter(step: Step, name: string, elements: number): Value {
  const value = newValue(elements, F32_BYTES, true, true);
  step.trained.set(name, value);
  return value;
}

/** The linear module of a weight, and the adapter beside it (`peft/tuners/lora/layer.py`, Linear.forward). */
export function linearModule(
  step: Step,
  x: Value,
  { name, elements }: ModelTensor,
  besideAdapter?: (result: Value) => void,
): Value {
  const { tape, rows, mixed } = step;
  const [inputs, outputs] = [x.elements / rows, (elements / x.elements) * rows];
  const result = linear(tape, x, weight(step, name, elements), rows * outputs, mixed);
  if (!step.targeted.has(name)) return result;
  besideAdapter?.(result);
  const rank = step.settings.loraRank;
  const down = linear(tape, cast(tape, x, F32_BYTES), adapter(step, `${name} A`, rank * inputs), rows * rank, mixed);
  const up = linear(tape, down, adapter(step, `${name} B`, rank * outputs), rows * outputs, mixed);
  return cast(tape, add(tape, result, scale(tape, up)), result.width);
}
