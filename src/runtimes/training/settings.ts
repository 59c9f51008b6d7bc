import type { Model } from "../../model/model.ts";
import { trainedContextOf } from "../context-tokens.ts";
import {
  BOOLEAN,
  checkOptions,
  DEVICES,
  either,
  listOf,
  type OptionRule,
  oneOf,
  POSITIVE_INTEGER,
  TOKENS,
  upTo,
} from "../options.ts";
import { rankDevices } from "../ranks.ts";
import { refuse } from "../refuse.ts";
import { defaultTargets } from "./lora-targets.ts";
import type { TrainingWorkload } from "./workload.ts";

/** A workload with every default filled in. */
export type TrainingSettings = Required<TrainingWorkload>;

const MODULE_NAME: OptionRule = {
  wants: "the end of a module's name",
  accepts: (value) => typeof value === "string" && value !== "",
};

const MAX_GPUS = 65_536;

const RULES: { readonly [option in keyof TrainingSettings]: OptionRule } = {
  runtime: oneOf(["training"]),
  contextTokens: TOKENS,
  sequences: POSITIVE_INTEGER,
  devices: DEVICES,
  method: oneOf(["full", "lora", "qlora"]),
  precision: oneOf(["float32", "bfloat16", "bf16-mixed", "fp16-mixed"]),
  optimizer: oneOf(["adamw", "adamw-8bit", "sgd", "sgd-momentum", "adafactor"]),
  microBatch: POSITIVE_INTEGER,
  sequenceTokens: TOKENS,
  gradientAccumulation: POSITIVE_INTEGER,
  checkpointing: BOOLEAN,
  attention: oneOf(["sdpa", "flash", "eager"]),
  loraRank: POSITIVE_INTEGER,
  loraTargets: either(oneOf(["all-linear"]), listOf(MODULE_NAME)),
  doubleQuantization: BOOLEAN,
  sharding: oneOf(["none", "zero1", "zero2", "zero3"]),
  offload: oneOf(["none", "optimizer", "all"]),
  gpus: upTo(MAX_GPUS),
};

/** `LoraConfig.r` (`peft/tuners/lora/config.py`). */
const PEFT_RANK = 8;

/** Checks a workload and fills in its defaults. */
export function resolveSettings(model: Model, workload: TrainingWorkload): TrainingSettings {
  checkOptions(workload, RULES);
  const { method = "full", sharding = "none", optimizer = "adamw", offload = "none", sequences = 1 } = workload;
  const { contextTokens: asked, sequenceTokens } = workload;
  if (asked !== undefined && sequenceTokens !== undefined && asked !== sequenceTokens) {
    refuse(
      "sequenceTokens",
      `a sequence is trained on whole: contextTokens ${asked} and sequenceTokens ${sequenceTokens} are one, give either`,
    );
  }
  const contextTokens = asked ?? sequenceTokens ?? trainedContextOf(model);
  const gpus = workload.gpus ?? workload.devices?.length ?? 1;
  if (sharding !== "none" && method === "qlora") {
    refuse("sharding", "weights packed in 4 bits are not shared out by ZeRO: choose sharding none, or method lora");
  }
  if (offload !== "none" && (sharding === "none" || sharding === "zero1")) {
    refuse("offload", `DeepSpeed keeps nothing on the host with sharding ${sharding}: choose zero2 or zero3`);
  }
  if (offload === "all" && sharding !== "zero3") {
    refuse("offload", `sharding ${sharding} keeps all weights on each GPU: choose zero3, or offload optimizer`);
  }
  refusePacked(model, method);
  const devices =
    gpus === 1 && workload.devices === undefined
      ? [{ name: "CPU", kind: "cpu" } as const]
      : rankDevices(workload.devices, gpus);
  return {
    runtime: "training",
    contextTokens,
    sequences,
    devices,
    method,
    precision: workload.precision ?? (method === "full" ? "bf16-mixed" : "bfloat16"),
    optimizer,
    microBatch: workload.microBatch ?? sequences,
    sequenceTokens: contextTokens,
    gradientAccumulation: workload.gradientAccumulation ?? 1,
    checkpointing: workload.checkpointing ?? false,
    attention: workload.attention ?? "sdpa",
    loraRank: workload.loraRank ?? PEFT_RANK,
    loraTargets: workload.loraTargets ?? defaultTargets(model),
    doubleQuantization: workload.doubleQuantization ?? true,
    sharding,
    offload,
    gpus,
  };
}

/** Packings whose linear modules keep their shape in the file, or are not packed themselves. */
const ADAPTABLE: ReadonlySet<string> = new Set(["fp8", "mxfp4"]);

function refusePacked({ quantization }: Model, method: TrainingSettings["method"]): void {
  if (quantization === null) return;
  const packed = `the weights are packed (${quantization.method})`;
  if (!ADAPTABLE.has(quantization.method)) {
    refuse(
      "method",
      `${packed}, and adapters of such are not counted: weigh the model as it was before, with method qlora`,
    );
  }
  if (method !== "lora") refuse("method", `${packed} and take no gradients: choose method lora`);
}

/** True where weights are float32 and the arithmetic 16-bit. */
export function isMixed({ precision }: TrainingSettings): boolean {
  return precision.endsWith("-mixed");
}

/** Type of the weights in memory, by safetensors name. */
export function weightDtype({ precision }: TrainingSettings): "F32" | "BF16" {
  return precision === "bfloat16" ? "BF16" : "F32";
}
