import type { TransformersWorkload } from "../../runtimes/transformers/workload.ts";
import { parseTokens, parseWord } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";
import { DTYPE } from "./shared.ts";

export const TRANSFORMERS_OPTIONS: readonly RuntimeOption<keyof TransformersWorkload>[] = [
  DTYPE,
  { field: "cache", flags: "--cache <kind>", words: "dynamic or static", parse: parseWord(["dynamic", "static"]) },
  {
    field: "promptTokens",
    flags: "--prompt-tokens <tokens>",
    words: "tokens an encoder makes of its input",
    parse: parseTokens,
  },
];
