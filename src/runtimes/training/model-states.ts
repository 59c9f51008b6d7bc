import { InspectError } from "../../errors.ts";
import type { Model } from "../../model/model.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import { moduleOf } from "./lora-targets.ts";
import { isMixed, type TrainingSettings } from "./settings.ts";
import { bytesOf, elementsOf, stateBytes } from "./states.ts";
import { parametersOf, trainedTensors } from "./trained.ts";
import { baseWeightBytes } from "./weight-bytes.ts";
import { zeroStates } from "./zero.ts";

/** What outlives a step on one GPU, in bytes. */
export type ModelStates = {
  readonly weights: number;
  readonly adapters: number;
  readonly gradients: number;
  readonly optimizer: number;
  /** On the host, for all GPUs together. */
  readonly host: number;
};

/** Weights, gradients and optimizer states on each GPU. */
export function modelStates(model: Model, settings: TrainingSettings): ModelStates {
  const trained = trainedTensors(model, settings);
  if (trained.length === 0) refuseTargets(settings);
  const adapters = settings.method === "full" ? 0 : bytesOf(trained);
  const { sharding, optimizer } = settings;
  if (sharding === "none") {
    const weights = baseWeightBytes(model, settings);
    return { weights, adapters, gradients: bytesOf(trained), optimizer: stateBytes(trained, optimizer), host: 0 };
  }
  const trainedElements = trained.reduce((sum, tensor) => sum + elementsOf(tensor), 0);
  const parameters = parametersOf(model).reduce((sum, tensor) => sum + tensor.parameters, 0);
  const states = zeroStates({
    parameters: parameters + (settings.method === "full" ? 0 : trainedElements),
    trained: trainedElements,
    largestModule: largestModule(model),
    elementBytes: settings.precision === "float32" ? 4 : 2,
    optimizer,
    stage: STAGES[sharding],
    gpus: settings.gpus,
    offload: settings.offload,
  });
  return { ...states, adapters: 0 };
}

/** As peft, which refuses to adapt nothing (`tuners_utils.py`, inject_adapter). */
function refuseTargets({ method, loraTargets }: TrainingSettings): never {
  const [key, message] =
    method === "full"
      ? (["method", "the model has no tensors to train"] as const)
      : ([
          "loraTargets",
          `no linear module of the model is named by loraTargets ${JSON.stringify(loraTargets)}`,
        ] as const);
  throw new InspectError("unsupported-option", message, { key });
}

const STAGES = { zero1: 1, zero2: 2, zero3: 3 } as const;

/** Elements of the module with most parameters of its own (`deepspeed/runtime/zero/stage3.py`, model_to_params). */
function largestModule(model: Model): number {
  const modules = new Map<string, number>();
  for (const { name, parameters } of parametersOf(model)) {
    const module = moduleOf(name).replace(/\.bias$/, "");
    modules.set(module, (modules.get(module) ?? 0) + parameters);
  }
  return Math.max(0, ...modules.values());
}

const ZERO_SOURCE = "DeepSpeed 0.19.8 runtime/zero, estimate_zero2 and estimate_zero3_model_states_mem_needs";

/** The items of one GPU. */
export function stateItems(
  states: ModelStates,
  settings: TrainingSettings,
  device: string,
  certainty: Certainty,
): readonly MemoryItem[] {
  const { sharding, optimizer, method, precision, gpus } = settings;
  const shared = sharding === "none" ? "" : `, ${sharding} over ${gpus} GPU${gpus === 1 ? "" : "s"}`;
  const item = (component: MemoryItem["component"], label: string, bytes: number, source: string): MemoryItem[] =>
    bytes === 0
      ? []
      : [{ component, label, device, bytes, certainty, source: sharding === "none" ? source : ZERO_SOURCE }];
  const weightType = isMixed(settings) || precision === "float32" ? "float32" : "bfloat16";
  const ofModel = method === "qlora" ? "NF4, the rest " : "";
  const type = sharding !== "none" && precision !== "float32" ? "16-bit" : weightType;
  return [
    ...item("weights", `weights, ${ofModel}${type}${shared}`, states.weights, WEIGHT_SOURCE),
    ...item("weights", `adapters, rank ${settings.loraRank}, float32`, states.adapters, ADAPTER_SOURCE),
    ...item("gradients", `gradients${shared}`, states.gradients, GRADIENT_SOURCE),
    ...item(
      "optimizer",
      `${optimizer} states${copiesWords(settings)}${shared}`,
      states.optimizer,
      OPTIMIZER_SOURCES[optimizer],
    ),
  ];
}

function copiesWords({ sharding, precision }: TrainingSettings): string {
  return sharding === "none" || precision === "float32" ? "" : " and float32 copies of weights";
}

const GRADIENT_SOURCE =
  "torch 2.15.0 csrc/autograd/functions/accumulate_grad.h, AccumulateGrad: of each trained tensor, in its type";
const WEIGHT_SOURCE = "transformers 5.23.0 modeling_utils.py, from_pretrained";
const ADAPTER_SOURCE = "peft 0.21.2 tuners/lora and tuners_utils.py, cast_adapter_dtype";
const OPTIMIZER_SOURCES: { readonly [optimizer in TrainingSettings["optimizer"]]: string } = {
  adamw: "torch 2.15.0 optim/adam.py, _init_group",
  "adamw-8bit": "bitsandbytes 0.50.2 optim/optimizer.py, Optimizer2State.init_state",
  sgd: "torch 2.15.0 optim/sgd.py",
  "sgd-momentum": "torch 2.15.0 optim/sgd.py",
  adafactor: "transformers 5.23.0 optimization.py, Adafactor.step",
};
