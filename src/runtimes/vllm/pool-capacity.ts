import type { Diagnostic } from "../../diagnostics.ts";
import { GIB } from "../binary-units.ts";
import type { Capacity, Certainty, MemoryItem } from "../estimate.ts";
import type { Blocks } from "./cache-items.ts";
import { tokensAsOldLogs } from "./capacity.ts";
import { type CachePlan, largestContextIn, poolBlocks, usableBlocks } from "./pool.ts";
import type { VllmSettings } from "./settings.ts";
import { rulesOf } from "./version.ts";

/** Bytes for the pool on a rank of each stage: given, or what the rest leaves of the device, which has a range. */
export type PoolBytes = {
  readonly low: readonly number[];
  readonly typical: readonly number[];
  readonly high: readonly number[];
};

/** Null where nothing says how large a pool is. */
export function poolBytes(
  settings: VllmSettings,
  ranks: readonly { readonly stage: number }[],
  items: readonly MemoryItem[],
): PoolBytes | null {
  const { availableCacheBytes, devices, pipelineParallel } = settings;
  if (availableCacheBytes !== undefined) {
    const given = Array.from({ length: pipelineParallel }, () => availableCacheBytes);
    return { low: given, typical: given, high: given };
  }
  const sums = { low: least(pipelineParallel), typical: least(pipelineParallel), high: least(pipelineParallel) };
  for (const [rank, { stage }] of ranks.entries()) {
    const device = devices[rank];
    if (device?.memoryBytes === undefined) return null;
    const requested = Math.floor(device.memoryBytes * settings.gpuMemoryUtilization);
    const counted = items.filter((item) => item.device === device.name && isCounted(item, settings));
    const left = (bytes: (item: MemoryItem) => number) => counted.reduce((rest, item) => rest - bytes(item), requested);
    const lower = (bounds: number[], bytes: number) => {
      bounds[stage] = Math.min(bounds[stage] ?? bytes, bytes);
    };
    lower(
      sums.low,
      left((item) => item.high ?? item.bytes),
    );
    lower(
      sums.typical,
      left((item) => item.bytes),
    );
    lower(
      sums.high,
      left((item) => item.low ?? item.bytes),
    );
  }
  return sums;
}

const least = (stages: number): number[] => Array.from({ length: stages }, () => Number.MAX_SAFE_INTEGER);

/** Graphs come out of the share only since their size is estimated beforehand. */
function isCounted({ label }: MemoryItem, { version }: VllmSettings): boolean {
  return rulesOf(version).graphsInBudget || !label.startsWith("CUDA graphs");
}

export function blocksOf(plan: CachePlan, { low, typical, high }: PoolBytes): Blocks {
  return { low: poolBlocks(plan, low), blocks: poolBlocks(plan, typical), high: poolBlocks(plan, high) };
}

/** What the pool of one engine holds; with data parallelism each copy has one. */
export function poolCapacity(
  plan: CachePlan,
  settings: VllmSettings,
  { low, blocks, high }: Blocks,
  certainty: Certainty,
): Capacity {
  const concurrency = (held: number) => (plan.requestBlocks === 0 ? 0 : held / plan.requestBlocks);
  return {
    poolBytes: blocks * Math.max(0, ...plan.blockBytes),
    blocks,
    tokens: Math.floor(concurrency(blocks) * settings.contextTokens),
    tokensAsOldLogs: tokensAsOldLogs(plan.groups, blocks),
    concurrency: concurrency(blocks),
    certainty,
    ...(certainty === "estimate" && { low: concurrency(low), high: concurrency(high) }),
  };
}

/** vLLM does not start with a pool that cannot hold one request (`kv_cache_utils.py`, _check_enough_kv_cache_memory). */
export function refusals(plan: CachePlan, settings: VllmSettings, { blocks, high }: Blocks): Diagnostic[] {
  if (plan.requestBlocks === 0 || usableBlocks(blocks, settings) >= plan.requestBlocks) return [];
  const blockBytes = Math.max(...plan.blockBytes);
  const held = blocks - usableBlocks(blocks, settings);
  const needed = (plan.requestBlocks + held) * blockBytes;
  const context = largestContextIn(plan, blocks, settings);
  const sure = usableBlocks(high, settings) < plan.requestBlocks ? "does not start" : "may not start";
  const advice = context > 0 ? `the largest context that fits is ${context} tokens` : "not even one token fits";
  return [
    {
      code: "does-not-start",
      message: `vLLM ${sure}: one request of ${settings.contextTokens} tokens needs ${gib(needed)} GiB of cache on each device and the pool has ${gib(blocks * blockBytes)}; ${advice}.`,
      where: "capacity",
    },
  ];
}

const gib = (bytes: number): string => (bytes / GIB).toFixed(2);
