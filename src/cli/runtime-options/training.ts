import type { TrainingWorkload } from "../../runtimes/training/workload.ts";
import { parseCount, parseTokens, parseWord } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";

/** Named as the arguments of `Trainer`, peft's `LoraConfig` and `torchrun` are, where they have the option. */
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
    words: "float32, bfloat16, bf16-mixed, fp16-mixed (float32 weights)",
    parse: parseWord(["float32", "bfloat16", "bf16-mixed", "fp16-mixed"]),
  },
  {
    field: "optimizer",
    flags: "--optim <name>",
    words: "adamw, adamw-8bit, sgd, sgd-momentum or adafactor",
    parse: parseWord(["adamw", "adamw-8bit", "sgd", "sgd-momentum", "adafactor"]),
  },
  {
    field: "microBatch",
    flags: "--per-device-train-batch-size <count>",
    aliases: ["--micro-batch"],
    words: "sequences in one forward pass",
    parse: parseCount,
  },
  {
    field: "sequenceTokens",
    flags: "--max-length <tokens>",
    aliases: ["--max-seq-length", "--sequence-tokens"],
    words: "tokens of each sequence trained on",
    parse: parseTokens,
  },
  {
    field: "gradientAccumulation",
    flags: "--gradient-accumulation-steps <count>",
    words: "micro-batches for each step",
    parse: parseCount,
  },
  {
    field: "checkpointing",
    flags: "--gradient-checkpointing",
    words: "run layers again for their gradients",
  },
  {
    field: "attention",
    flags: "--attn-implementation <kind>",
    words: "sdpa, flash or eager",
    parse: parseWord(["sdpa", "flash", "eager"]),
  },
  { field: "loraRank", flags: "--lora-r <rank>", words: "rank of adapters", parse: parseCount },
  {
    field: "loraTargets",
    flags: "--lora-target-modules <names>",
    words: "all-linear, or names: q_proj,v_proj",
    parse: (text) => (text === "all-linear" ? text : text.split(",").map((name) => name.trim())),
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
