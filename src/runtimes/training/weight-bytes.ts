import type { Model, ModelTensor } from "../../model/model.ts";
import { floatBytes } from "../float-dtype.ts";
import { weightItem } from "../transformers/weights.ts";
import { isLinear } from "./lora-targets.ts";
import { type TrainingSettings, weightDtype } from "./settings.ts";
import { parametersOf } from "./trained.ts";

/** Bytes of all weights of the model itself on one device, without adapters. */
export function baseWeightBytes(model: Model, settings: TrainingSettings): number {
  const dtype = weightDtype(settings);
  const [device = { name: "CPU", kind: "cpu" } as const] = settings.devices;
  const whole = weightItem(model, dtype, device, "derived").bytes;
  if (settings.method !== "qlora") return whole;
  const elementBytes = floatBytes(dtype) ?? F32_BYTES;
  return packable(model).reduce(
    (sum, { elements }) => sum - elements * elementBytes + nf4Bytes(elements, settings.doubleQuantization),
    whole,
  );
}

/** What bitsandbytes packs: every linear module but the output matrix (`quantizers/quantizer_bnb_4bit.py`, get_modules_to_not_convert). */
export function packable(model: Model): readonly ModelTensor[] {
  return parametersOf(model).filter((tensor) => tensor.component !== "output" && isLinear(tensor, model));
}

const F32_BYTES = 4;
const BLOCK_ELEMENTS = 64;
const SCALE_BLOCK_ELEMENTS = 256;
/** The 16 values of NF4 and the 256 that scales are packed to, each looked up in a table of its own. */
const CODE_BYTES = 16 * F32_BYTES;
const SCALE_CODE_BYTES = 256 * F32_BYTES;

/**
 * One matrix in NF4: two elements a byte and a float32 scale for each 64, or scales of one byte, with a float32 scale for
 * each 256 of them and their mean (`bitsandbytes/functional.py`, quantize_4bit).
 */
export function nf4Bytes(elements: number, doubleQuantization: boolean): number {
  const scales = Math.ceil(elements / BLOCK_ELEMENTS);
  const packed = Math.ceil(elements / 2) + CODE_BYTES;
  if (!doubleQuantization) return packed + scales * F32_BYTES;
  return packed + scales + Math.ceil(scales / SCALE_BLOCK_ELEMENTS) * F32_BYTES + F32_BYTES + SCALE_CODE_BYTES;
}
