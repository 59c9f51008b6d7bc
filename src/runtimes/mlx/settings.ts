import type { Model } from "../../model/model.ts";
import { trainedContextOf } from "../context-tokens.ts";
import type { Device } from "../device.ts";
import { checkOneDevice } from "../one-device.ts";
import { COUNT, checkOptions, DEVICES, type OptionRule, oneOf, POSITIVE_INTEGER, TOKENS } from "../options.ts";
import type { MlxWorkload } from "./workload.ts";

/** A workload with every default filled in. Undefined: not asked for. */
export type MlxSettings = Required<Omit<MlxWorkload, "kvBits" | "maxKvSize">> & {
  readonly kvBits: MlxWorkload["kvBits"];
  readonly maxKvSize: number | undefined;
};

/** What `mx.quantize` takes (mlx `ops.cpp`). */
export const KV_BITS = [1, 2, 3, 4, 5, 6, 8] as const;
export const KV_GROUP_SIZES = [32, 64, 128] as const;

/** The first tokens of a cache that rotates by `maxKvSize`, which stay (`cache.py`, make_prompt_cache). */
export const KEPT_TOKENS = 4;

const RULES: { readonly [option in keyof MlxSettings]: OptionRule } = {
  runtime: oneOf(["mlx"]),
  contextTokens: TOKENS,
  promptTokens: TOKENS,
  sequences: POSITIVE_INTEGER,
  devices: DEVICES,
  kvBits: oneOf(KV_BITS),
  kvGroupSize: oneOf(KV_GROUP_SIZES),
  quantizedKvStart: COUNT,
  maxKvSize: {
    wants: `more than the ${KEPT_TOKENS} tokens at the start that mlx-lm keeps`,
    accepts: (value) => TOKENS.accepts(value) && Number(value) > KEPT_TOKENS,
  },
  prefillStepSize: TOKENS,
};

/** mlx runs on the GPU of the chip unless it is told otherwise. */
export const APPLE_GPU: Device = { name: "GPU0", kind: "metal" };

/** Checks a workload and fills in its defaults. */
export function resolveSettings(model: Model, workload: MlxWorkload): MlxSettings {
  checkOptions(workload, RULES);
  const contextTokens = workload.contextTokens ?? trainedContextOf(model);
  const devices = workload.devices ?? [APPLE_GPU];
  checkOneDevice(devices);
  return {
    runtime: "mlx",
    contextTokens,
    promptTokens: Math.min(workload.promptTokens ?? contextTokens, contextTokens),
    sequences: workload.sequences ?? 1,
    devices,
    kvBits: workload.kvBits,
    kvGroupSize: workload.kvGroupSize ?? 64,
    quantizedKvStart: workload.quantizedKvStart ?? 5000,
    maxKvSize: workload.maxKvSize,
    prefillStepSize: workload.prefillStepSize ?? 2048,
  };
}
