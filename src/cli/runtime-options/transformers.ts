import type { TransformersWorkload } from "../../runtimes/transformers/workload.ts";
import { parseCount, parseTokens, parseWord } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";
import { ATTENTION, DTYPE, PROMPT_TOKENS } from "./shared.ts";

export const TRANSFORMERS_OPTIONS: readonly RuntimeOption<keyof TransformersWorkload>[] = [
  DTYPE,
  ATTENTION,
  {
    field: "cache",
    flags: "--cache <kind>",
    aliases: ["--cache-implementation"],
    words: "dynamic, static or quantized",
    parse: parseWord(["dynamic", "static", "quantized"]),
  },
  {
    field: "cacheBits",
    flags: "--cache-bits <bits>",
    words: "4 or 2, of a quantized cache",
    parse: parseCount,
  },
  PROMPT_TOKENS,
  {
    field: "newTokens",
    flags: "--max-new-tokens <tokens>",
    words: "tokens of the context made after the prompt",
    parse: parseTokens,
  },
  { field: "beams", flags: "--num-beams <count>", words: "beams of each sequence", parse: parseCount },
];
