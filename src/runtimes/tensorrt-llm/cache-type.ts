import type { MetadataValue, Model } from "../../model/model.ts";
import { floatBytes, runningDtype } from "../float-dtype.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

/** How the elements of a cache are stored. */
export type CacheType = {
  readonly name: string;
  /** Bytes of the elements of one token, scales included. */
  readonly bytes: (elements: number) => number;
};

const FP8: CacheType = { name: "FP8", bytes: (elements) => elements };

/** Two elements in a byte, and an FP8 scale for 16 (`resource_manager.py`, KVCacheManager.get_cache_size_per_token). */
const NVFP4: CacheType = {
  name: "NVFP4 with scales",
  bytes: (elements) => Math.ceil(elements / 2) + Math.ceil(elements / 16),
};

/** The type asked for, else the one the checkpoint asks for, else the model's own. */
export function cacheTypeOf(model: Model, { kvCacheType, dtype }: TensorrtLlmSettings): CacheType {
  const bits = kvCacheType === "auto" ? checkpointBits(model.metadata) : kvCacheType === "fp8" ? 8 : 4;
  if (bits === 8) return FP8;
  if (bits === 4) return NVFP4;
  const running = runningDtype(model, dtype);
  const elementBytes = floatBytes(running) ?? 2;
  return { name: running, bytes: (elements) => elements * elementBytes };
}

/** `quantization_config.kv_cache_scheme.num_bits` or `kv_cache_quant_algo`, as ModelOpt writes them into config.json. */
function checkpointBits(metadata: Model["metadata"]): number | undefined {
  const quantization = objectOf(metadata["quantization_config"]);
  const bits = objectOf(quantization["kv_cache_scheme"])["num_bits"];
  if (bits === 8 || bits === 4) return bits;
  const algorithm = quantization["kv_cache_quant_algo"];
  return algorithm === "FP8" ? 8 : algorithm === "NVFP4" ? 4 : undefined;
}

function objectOf(value: MetadataValue | undefined): { readonly [key: string]: MetadataValue } {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? (value as { readonly [key: string]: MetadataValue }) : {};
}
