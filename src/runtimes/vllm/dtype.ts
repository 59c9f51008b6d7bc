import type { RecurrentMixer } from "../../model/mixer.ts";
import type { MetadataValue, Model } from "../../model/model.ts";
import { floatBytes, runningDtype } from "../float-dtype.ts";
import type { KvCacheType } from "./workload.ts";

/**
 * The type a model runs in, by safetensors name. Without being asked, what was saved in float32 runs in bfloat16
 * (`config/model.py`, _resolve_auto_dtype).
 */
export function vllmDtype(model: Model, asked: string): string {
  const dtype = runningDtype(model, asked);
  return asked === "auto" && (dtype === "F32" || dtype === "F64") ? "BF16" : dtype;
}

/** Bytes of one element of keys and values. */
export function cacheElementBytes(type: KvCacheType, dtype: string): number {
  if (type.startsWith("fp8")) return 1;
  return type === "auto" ? (floatBytes(dtype) ?? 2) : 2;
}

/** Model types whose states are float32 unless config.json says otherwise (`models/config.py`, NemotronHForCausalLMConfig). */
const FLOAT32_STATES: ReadonlySet<string> = new Set(["nemotron_h", "nemotron_h_puzzle"]);

/** Model types whose config.json names the type of their states, and the key (`models/config.py`). */
const STATE_TYPE_KEYS: ReadonlyMap<string, string> = new Map([
  ["nemotron_h", "mamba_ssm_cache_dtype"],
  ["nemotron_h_puzzle", "mamba_ssm_cache_dtype"],
  ["qwen3_5", "mamba_ssm_dtype"],
  ["qwen3_5_text", "mamba_ssm_dtype"],
  ["qwen3_5_moe", "mamba_ssm_dtype"],
  ["qwen3_5_moe_text", "mamba_ssm_dtype"],
]);

const BYTES_BY_TORCH_NAME: ReadonlyMap<MetadataValue, number> = new Map([
  ["float32", 4],
  ["float16", 2],
  ["bfloat16", 2],
]);

/** Bytes of one element of a recurrence's states (`mamba_utils.py`, MambaStateDtypeCalculator). */
export function stateDtypeBytes(
  part: "convolution" | "state",
  recurrent: RecurrentMixer | undefined,
  model: Model,
  dtype: string,
): number {
  const running = floatBytes(dtype) ?? 2;
  if (part === "convolution" || recurrent === undefined) return running;
  if (recurrent.family === "kimi-delta-attention") return 4;
  const architecture = model.architecture ?? "";
  const key = STATE_TYPE_KEYS.get(architecture);
  const named = key === undefined ? undefined : BYTES_BY_TORCH_NAME.get(configValue(model, key) ?? "");
  return named ?? (FLOAT32_STATES.has(architecture) ? 4 : running);
}

/** A value of config.json, in its text part or at the top. */
export function configValue(model: Model, key: string): MetadataValue | undefined {
  const text = model.metadata["text_config"];
  const inText = typeof text === "object" && text !== null && !Array.isArray(text) ? Object.entries(text) : [];
  return inText.find(([name]) => name === key)?.[1] ?? model.metadata[key];
}
