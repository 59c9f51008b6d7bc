import { readFileSync } from "node:fs";
import { type GoldenFile, goldenPath } from "../golden.ts";

/** `common_params` after parsing, by its own names. */
export type ParsedLine = {
  readonly n_ctx: number;
  readonly n_batch: number;
  readonly n_ubatch: number;
  readonly n_parallel: number;
  readonly kv_unified: boolean;
  readonly n_gpu_layers: number;
  readonly split_mode: number;
  readonly main_gpu: number;
  readonly tensor_split: readonly number[];
  readonly no_kv_offload: boolean;
  readonly no_op_offload: boolean;
  readonly no_host: boolean;
  readonly swa_full: boolean;
  readonly embedding: boolean;
  readonly cache_type_k: string;
  readonly cache_type_v: string;
  readonly flash_attn: number;
  readonly draft_n_max: number;
  readonly overrides: readonly string[];
};

type ParsedRow = { readonly line: string; readonly parsed: ParsedLine | { readonly refused: true } };

/** What llama.cpp's parser made of each line. */
export function readParsedLines(): GoldenFile<ParsedRow> {
  return JSON.parse(readFileSync(goldenPath("arguments"), "utf8"));
}
