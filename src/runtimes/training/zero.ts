import type { TrainingSettings } from "./settings.ts";
import { stateBytes } from "./states.ts";

/** What DeepSpeed is asked to share out. */
export type ZeroInput = {
  /** Elements of all parameters, of those that are trained, and of the module that has most. */
  readonly parameters: number;
  readonly trained: number;
  readonly largestModule: number;
  /** Bytes of one element in the forward pass: 2, or 4 where nothing is kept beside the weights. */
  readonly elementBytes: number;
  readonly optimizer: TrainingSettings["optimizer"];
  readonly stage: 1 | 2 | 3;
  readonly gpus: number;
  /** What is kept on the host: optimizer states with the weights and gradients in float32, or with stage 3 all there is. */
  readonly offload: TrainingSettings["offload"];
};

/** Bytes on one GPU, and on the host for all GPUs together. */
export type ZeroStates = {
  readonly weights: number;
  readonly gradients: number;
  readonly optimizer: number;
  readonly host: number;
};

const F32_BYTES = 4;

/**
 * Weights and gradients of the forward pass's type, and float32 copies of both beside the optimizer's states. Stage 1 shares
 * out the copies and states, stage 2 the gradients too, stage 3 all, with one module gathered at a time. As
 * `deepspeed/runtime/zero/stage_1_and_2.py`, estimate_zero2_model_states_mem_needs, and `stage3.py`,
 * estimate_zero3_model_states_mem_needs, add up for AdamW: 2P + 18P / N, and 4 x largest + 18P / N.
 */
export function zeroStates(input: ZeroInput): ZeroStates {
  const { parameters, trained, elementBytes, optimizer, stage, gpus, offload } = input;
  const copies = elementBytes < F32_BYTES;
  const share = (bytes: number): number => Math.ceil(bytes / gpus);
  const states = stateBytes([{ shape: [trained], elementBytes: F32_BYTES, embedding: false }], optimizer);
  const copyBytes = copies ? F32_BYTES * trained : 0;
  const ownGradients = elementBytes * trained;
  const gradients =
    stage === 1
      ? ownGradients + share(copyBytes)
      : share(stage === 2 || !copies ? ownGradients + copyBytes : copyBytes);
  const weights =
    stage === 3
      ? 2 * elementBytes * input.largestModule + (offload === "all" ? 0 : share(elementBytes * parameters))
      : elementBytes * parameters;
  if (offload === "none") return { weights, gradients, optimizer: share(copyBytes + states), host: 0 };
  const host =
    copyBytes + states + (copies ? copyBytes : ownGradients) + (offload === "all" ? elementBytes * parameters : 0);
  return { weights, gradients: 0, optimizer: 0, host };
}
