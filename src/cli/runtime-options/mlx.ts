import { KV_BITS, KV_GROUP_SIZES } from "../../runtimes/mlx/settings.ts";
import type { MlxWorkload } from "../../runtimes/mlx/workload.ts";
import { parseCount, parseIndex, parseTokens } from "../values.ts";
import type { RuntimeOption } from "./runtime-option.ts";
import { PROMPT_TOKENS } from "./shared.ts";

export const MLX_OPTIONS: readonly RuntimeOption<keyof MlxWorkload>[] = [
  PROMPT_TOKENS,
  { field: "kvBits", flags: "--kv-bits <bits>", words: `pack the cache: ${KV_BITS.join(", ")}`, parse: parseCount },
  {
    field: "kvGroupSize",
    flags: "--kv-group-size <elements>",
    words: `elements that share a scale: ${KV_GROUP_SIZES.join(", ")}`,
    parse: parseCount,
  },
  {
    field: "quantizedKvStart",
    flags: "--quantized-kv-start <tokens>",
    words: "tokens from which on it is packed (5000)",
    parse: parseIndex,
  },
  {
    field: "maxKvSize",
    flags: "--max-kv-size <tokens>",
    words: "overwrite older tokens, where the model lets",
    parse: parseTokens,
  },
  {
    field: "prefillStepSize",
    flags: "--prefill-step-size <tokens>",
    words: "tokens of the prompt at once (2048)",
    parse: parseTokens,
  },
];
