import type { CommonWorkload } from "../common-workload.ts";

/**
 * What PyTorch in training is asked to do: one step of transformers' `Trainer`, with peft for adapters.
 *
 * @example
 * ```ts
 * import type { TrainingWorkload } from "weighin";
 *
 * const workload: TrainingWorkload = { runtime: "training", method: "lora", sequenceTokens: 2048, checkpointing: true };
 * ```
 */
export type TrainingWorkload = CommonWorkload & {
  readonly runtime: "training";
  /** All weights (`full`, the default), adapters on frozen weights (`lora`), or on weights packed in 4 bits (`qlora`). */
  readonly method?: "full" | "lora" | "qlora";
  /**
   * Type of weights and arithmetic: all `float32`; all `bfloat16`, optimizer states too; or `bf16-mixed` and `fp16-mixed`:
   * float32 weights, 16-bit arithmetic under `torch.autocast` (`Trainer`'s `bf16` and `fp16`). Default: `bf16-mixed` for
   * `full`, `bfloat16` for adapters, which themselves are float32 as peft makes them.
   */
  readonly precision?: "float32" | "bfloat16" | "bf16-mixed" | "fp16-mixed";
  /** Default `adamw`: PyTorch's, fused. `adamw-8bit` is bitsandbytes', `adafactor` transformers' without momentum. */
  readonly optimizer?: "adamw" | "adamw-8bit" | "sgd" | "sgd-momentum" | "adafactor";
  /** Sequences in one forward pass on one GPU. Default: `sequences`, which is 1. */
  readonly microBatch?: number;
  /**
   * Tokens of each sequence, padding included: the same as `contextTokens`, of which one is enough. Default: the trained
   * context, which is more than most train on.
   */
  readonly sequenceTokens?: number;
  /** Micro-batches whose gradients are summed before a step. From 2 on, gradients are held during the forward pass. Default 1. */
  readonly gradientAccumulation?: number;
  /** Keep only the input of each layer, and run the layer again for its gradients. Default false. */
  readonly checkpointing?: boolean;
  /** `sdpa` (the default) and `flash` keep no scores of tokens with each other; `eager` does. */
  readonly attention?: "sdpa" | "flash" | "eager";
  /** Rank of the adapters. Default 8, as peft's `LoraConfig`. */
  readonly loraRank?: number;
  /**
   * Modules with adapters, as peft's `target_modules`: ends of module names, or `all-linear`. Default: peft's own for the
   * model_type, and `all-linear` where it has none.
   */
  readonly loraTargets?: "all-linear" | readonly string[];
  /** Pack the scales of 4-bit weights again (`bnb_4bit_use_double_quant`). Default true, as the QLoRA paper has it. */
  readonly doubleQuantization?: boolean;
  /** What DeepSpeed shares out over the GPUs: nothing, optimizer states, gradients too, weights too. Default `none`: each GPU holds all. */
  readonly sharding?: "none" | "zero1" | "zero2" | "zero3";
  /** What DeepSpeed keeps on the host, with `sharding`: nothing (default), gradients and optimizer states, or with `zero3` weights too. */
  readonly offload?: "none" | "optimizer" | "all";
  /** GPUs that train together, each on micro-batches of its own. Default 1. */
  readonly gpus?: number;
};
