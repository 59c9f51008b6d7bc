import type { TrainingWorkload } from "../../runtimes/training/workload.ts";
import { parseCount, parseWord } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";
import { ATTENTION } from "./shared.ts";

/** Tokens of a sequence are the context (`--context`). Also named as the arguments of `Trainer`, peft's `LoraConfig` and `torchrun`, where they have the option. */
export const TRAINING_OPTIONS: readonly RuntimeOption<keyof TrainingWorkload>[] = [
  {
    field: "method",
    flags: "--method <kind>",
    words: "full, lora or qlora",
    parse: parseWord(["full", "lora", "qlora"]),
  },
  {
    field: "precision",
    flags: "--precision <type>",
    words: "float32, bfloat16, bf16-mixed, fp16-mixed",
    parse: parseWord(["float32", "bfloat16", "bf16-mixed", "fp16-mixed"]),
  },
  {
    field: "optimizer",
    flags: "--optim <name>",
    words: "adamw, adamw-8bit, sgd, sgd-momentum, adafactor",
    parse: parseWord(["adamw", "adamw-8bit", "sgd", "sgd-momentum", "adafactor"]),
  },
  {
    field: "microBatch",
    flags: "--micro-batch <count>",
    aliases: ["--per-device-train-batch-size"],
    words: "sequences in one forward pass",
    parse: parseCount,
  },
  {
    field: "gradientAccumulation",
    flags: "--accumulation <count>",
    aliases: ["--gradient-accumulation-steps"],
    words: "micro-batches for each step",
    parse: parseCount,
  },
  {
    field: "checkpointing",
    flags: "--checkpointing",
    aliases: ["--gradient-checkpointing"],
    words: "run layers again for their gradients",
  },
  ATTENTION,
  { field: "loraRank", flags: "--lora-r <rank>", words: "rank of adapters", parse: parseCount },
  {
    field: "loraTargets",
    flags: "--lora-targets <names>",
    aliases: ["--lora-target-modules"],
    words: "all-linear, or names: q_proj,v_proj",
    parse: (text) => (text === "all-linear" ? text : text.split(",").map((name) => name.trim())),
  },
  {
    field: "doubleQuantization",
    flags: "--double-quant <switch>",
    words: "pack scales of 4-bit weights: on, off",
    parse: (text) => parseWord(["on", "off"])(text) === "on",
  },
  {
    field: "sharding",
    flags: "--zero <stage>",
    words: "DeepSpeed: none, zero1, zero2 or zero3",
    parse: parseWord(["none", "zero1", "zero2", "zero3"]),
  },
  {
    field: "offload",
    flags: "--zero-offload <what>",
    words: "to the host: none, optimizer or all",
    parse: parseWord(["none", "optimizer", "all"]),
  },
  {
    field: "gpus",
    flags: "--gpus <count>",
    aliases: ["--nproc-per-node"],
    words: "that train together",
    parse: parseCount,
  },
];
