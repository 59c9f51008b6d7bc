import type { Model } from "../../model/model.ts";
import { type CacheSettings, cacheSettings } from "./cache-settings.ts";
import { largestRequest, type RequestSize, requestBlocks } from "./capacity.ts";
import { vllmDtype } from "./dtype.ts";
import { blockBytes, type KvGroup, kvGroups } from "./kv-groups.ts";
import { type KvSpec, kvSpecs } from "./kv-spec.ts";
import type { VllmSettings } from "./settings.ts";
import { stageOf } from "./shards.ts";
import { rulesOf } from "./version.ts";

/** How vLLM holds the cache of a model: everything but how large the pool is. */
export type CachePlan = {
  readonly specs: readonly KvSpec[];
  readonly groups: readonly KvGroup[];
  readonly cache: CacheSettings;
  readonly request: RequestSize;
  /** Blocks that one request of the whole context holds. */
  readonly requestBlocks: number;
  /** Bytes of one block on a rank of each stage. */
  readonly blockBytes: readonly number[];
};

/** Null where a layer's cache is not known, or pages of several sizes do not fit together. */
export function cachePlan(model: Model, settings: VllmSettings): CachePlan | null {
  const cache = cacheSettings(model, settings, vllmDtype(model, settings.dtype));
  const specs = kvSpecs(model, cache);
  const { paddedBelow } = rulesOf(settings.version);
  const groups = specs && kvGroups(specs, { hybridManager: settings.hybridManager, paddedBelow });
  if (specs === null || groups === null) return null;
  const request: RequestSize = {
    contextTokens: settings.contextTokens,
    inFlightTokens: batchesInFlight(settings) * settings.maxBatchedTokens,
    encoderTokens: settings.maxBatchedTokens,
  };
  const { pipelineParallel } = settings;
  const layers = model.layerCount ?? model.layers.length;
  return {
    specs,
    groups,
    cache,
    request,
    requestBlocks: requestBlocks(groups, request),
    blockBytes: Array.from({ length: pipelineParallel }, (_, stage) =>
      blockBytes(groups, ({ layer }) => stageOf(layer, layers, pipelineParallel) === stage),
    ),
  };
}

/** Each stage has a batch of its own, and the next one is prepared while one runs (`config/vllm.py`, max_concurrent_batches). */
function batchesInFlight({ version, pipelineParallel, asyncScheduling }: VllmSettings): number {
  if (!rulesOf(version).batchesInFlight) return 1;
  return pipelineParallel + (asyncScheduling ? 1 : 0);
}

/** Blocks of a pool: as many as the stage has room for that has the least (`kv_cache_utils.py`, get_kv_cache_configs). */
export function poolBlocks(plan: CachePlan, stageBytes: readonly number[]): number {
  // A model without a cache has one block, which is handed to nobody.
  if (plan.groups.length === 0) return 1;
  const blocks = plan.blockBytes.map((bytes, stage) =>
    bytes === 0 ? Number.POSITIVE_INFINITY : Math.floor(Math.max(0, stageBytes[stage] ?? 0) / bytes),
  );
  return Math.min(...blocks);
}

/** Blocks that requests can have. */
export function usableBlocks(blocks: number, { version }: VllmSettings): number {
  return rulesOf(version).nullBlockHeldBack ? blocks - 1 : blocks;
}

/** The longest context of which the pool holds one request, 0 where it holds none. */
export function largestContextIn(plan: CachePlan, blocks: number, settings: VllmSettings): number {
  return largestRequest(plan.groups, plan.request, usableBlocks(blocks, settings));
}
