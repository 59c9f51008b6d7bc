import type { Model } from "../../model/model.ts";
import { trainedContextOf } from "../context-tokens.ts";
import {
  BOOLEAN,
  checkOptions,
  DEVICES,
  FLOAT_DTYPE,
  listOf,
  type OptionRule,
  oneOf,
  POSITIVE_INTEGER,
  TOKENS,
  upTo,
} from "../options.ts";
import { rankDevices } from "../ranks.ts";
import { checkDevices, checkModel } from "./refusals.ts";
import type { TensorrtLlmWorkload } from "./workload.ts";

/** Limits that the engine has none of unless they are given. */
type Limit = "maxTokens" | "maxAttentionWindow" | "availableCacheBytes";

/** A workload with every default filled in. */
export type TensorrtLlmSettings = Required<Omit<TensorrtLlmWorkload, Limit>> & Pick<TensorrtLlmWorkload, Limit>;

const SMALL_COUNT = upTo(4096);

const RULES: { readonly [option in keyof TensorrtLlmWorkload]-?: OptionRule } = {
  runtime: oneOf(["tensorrt-llm"]),
  contextTokens: TOKENS,
  sequences: POSITIVE_INTEGER,
  devices: DEVICES,
  dtype: FLOAT_DTYPE,
  kvCacheType: oneOf(["auto", "fp8", "nvfp4"]),
  // docs/source/features/kvcache.md, The Basics.
  tokensPerBlock: {
    wants: "a power of two above 1",
    accepts: (value) => TOKENS.accepts(value) && Number(value) > 1 && Number.isInteger(Math.log2(Number(value))),
  },
  // resource_manager.py, calculate_max_num_blocks: "must be smaller than 1.0".
  freeGpuMemoryFraction: {
    wants: "a number above 0 and below 1",
    accepts: (value) => typeof value === "number" && value > 0 && value < 1,
  },
  maxTokens: TOKENS,
  maxAttentionWindow: {
    ...listOf(TOKENS),
    accepts: (value) => listOf(TOKENS).accepts(value) && Array.isArray(value) && value.length > 0,
  },
  availableCacheBytes: POSITIVE_INTEGER,
  maxBatchSize: TOKENS,
  maxNumTokens: TOKENS,
  maxBeamWidth: SMALL_COUNT,
  tensorParallel: SMALL_COUNT,
  pipelineParallel: SMALL_COUNT,
  expertParallel: SMALL_COUNT,
  attentionDp: BOOLEAN,
};

/** Defaults of `llmapi/llm_args.py`: `KvCacheConfig` and `TorchLlmArgs`. */
const DEFAULTS = {
  dtype: "auto",
  kvCacheType: "auto",
  tokensPerBlock: 32,
  freeGpuMemoryFraction: 0.9,
  maxBatchSize: 2048,
  maxNumTokens: 8192,
  maxBeamWidth: 1,
  tensorParallel: 1,
  pipelineParallel: 1,
  expertParallel: 1,
  attentionDp: false,
} as const;

/** Checks a workload and fills in its defaults. */
export function resolveSettings(model: Model, workload: TensorrtLlmWorkload): TensorrtLlmSettings {
  checkOptions(workload, RULES);
  const given = Object.fromEntries(Object.entries(workload).filter(([, value]) => value !== undefined));
  const settings: TensorrtLlmSettings = {
    contextTokens: workload.contextTokens ?? trainedContextOf(model),
    sequences: 1,
    devices: [],
    ...DEFAULTS,
    ...(given as TensorrtLlmWorkload),
  };
  checkModel(model, settings);
  const devices = rankDevices(workload.devices, settings.tensorParallel * settings.pipelineParallel);
  checkDevices(devices);
  return { ...settings, devices };
}
