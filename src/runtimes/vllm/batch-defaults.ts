import { GIB } from "../binary-units.ts";
import type { VllmWorkload } from "./workload.ts";

/** Defaults of `vllm serve` by the memory of the device (`engine/arg_utils.py`, get_batch_defaults). */
const BY_MEMORY: readonly { readonly atLeastBytes: number; readonly tokens: number; readonly sequences: number }[] = [
  { atLeastBytes: 160 * GIB, tokens: 16_384, sequences: 1024 },
  { atLeastBytes: 70 * GIB, tokens: 8192, sequences: 1024 },
  { atLeastBytes: 0, tokens: 2048, sequences: 256 },
];

type Batch = { readonly maxSequences: number; readonly maxBatchedTokens: number };

/**
 * Requests and tokens in one step. An A100 of 80 GB has the defaults of smaller devices: pass them for it. An
 * encoder-decoder takes a prompt in one step.
 */
export function batchDefaults(
  { maxSequences, maxBatchedTokens }: VllmWorkload,
  contextTokens: number,
  memoryBytes: number | undefined,
  wholePrompts: boolean,
): Batch {
  const defaults = BY_MEMORY.find(({ atLeastBytes }) => (memoryBytes ?? 0) >= atLeastBytes);
  const sequences = maxSequences ?? defaults?.sequences ?? 256;
  const standard = defaults?.tokens ?? 2048;
  const tokens = wholePrompts ? Math.max(standard, contextTokens) : standard;
  const batched = maxBatchedTokens ?? Math.min(sequences * contextTokens, tokens);
  return { maxSequences: maxSequences ?? Math.min(sequences, batched), maxBatchedTokens: batched };
}
