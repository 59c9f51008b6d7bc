import { zeroStates } from "../../src/runtimes/training/zero.ts";
import type { ShardingRow } from "./golden.ts";

/** DeepSpeed rounds a sum down, shares are rounded up one by one here, and a count of steps is kept. */
const ROUNDING_BYTES = 8;

/** Where the states of one GPU differ from DeepSpeed's own sum; undefined when nowhere. */
export function compareSharding(row: ShardingRow): string | undefined {
  const { parameters, largest: largestModule, gpus, stage, offload } = row;
  const input = { parameters, trained: parameters, largestModule, elementBytes: 2, optimizer: "adamw" } as const;
  const { weights, gradients, optimizer } = zeroStates({ ...input, stage, gpus, offload });
  const bytes = weights + gradients + optimizer;
  if (Math.abs(bytes - row.gpuBytes) <= ROUNDING_BYTES) return undefined;
  return `${row.model} zero${stage} on ${gpus}, offload ${offload}: ${bytes}, DeepSpeed ${row.gpuBytes}`;
}
