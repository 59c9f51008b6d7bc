import { InspectError } from "../../errors.ts";
import type { Model } from "../../model/model.ts";
import { trainedContextOf } from "../context-tokens.ts";
import { checkOneDevice } from "../one-device.ts";
import { checkOptions, DEVICES, type OptionRule, oneOf, POSITIVE_INTEGER, TOKENS } from "../options.ts";
import { TRANSFORMERS_VERSION } from "./version.ts";
import type { TransformersWorkload } from "./workload.ts";

/** A workload with every default filled in. */
export type TransformersSettings = Required<TransformersWorkload>;

const RULES: { readonly [option in keyof TransformersSettings]: OptionRule } = {
  runtime: oneOf(["transformers"]),
  contextTokens: TOKENS,
  promptTokens: TOKENS,
  sequences: POSITIVE_INTEGER,
  devices: DEVICES,
  dtype: oneOf(["auto", "float32", "float16", "bfloat16"]),
  cache: oneOf(["dynamic", "static"]),
  version: {
    wants: 'a version like "5.14.1"',
    accepts: (value) => typeof value === "string" && /^\d{1,4}(\.\d{1,4}){0,3}$/.test(value),
  },
};

/**
 * Model types that take no static cache: no static layer has what the compressors ask for (`modeling_deepseek_v4.py`,
 * DeepseekV4PreTrainedModel), or the model insists on a cache of its own (`modeling_minimax.py`, MiniMaxModel.forward).
 */
const WITHOUT_STATIC_CACHE: ReadonlySet<string> = new Set(["deepseek_v4", "minimax"]);

/** Checks a workload and fills in its defaults. */
export function resolveSettings(model: Model, workload: TransformersWorkload): TransformersSettings {
  checkOptions(workload, RULES);
  const contextTokens = workload.contextTokens ?? trainedContextOf(model);
  const devices = workload.devices ?? [{ name: "CPU", kind: "cpu" }];
  checkOneDevice(devices);
  if (workload.cache === "static" && WITHOUT_STATIC_CACHE.has(model.architecture ?? "")) {
    throw new InspectError("unsupported-option", `${model.architecture} has no static cache`, { key: "cache" });
  }
  return {
    runtime: "transformers",
    contextTokens,
    promptTokens: workload.promptTokens ?? contextTokens,
    sequences: workload.sequences ?? 1,
    devices,
    dtype: workload.dtype ?? "auto",
    cache: workload.cache ?? "dynamic",
    version: workload.version ?? TRANSFORMERS_VERSION,
  };
}
