import type { Model } from "../../model/model.ts";
import { assembleEstimate } from "../assemble.ts";
import type { MemoryEstimate } from "../estimate.ts";
import { activationBytes, activationItem } from "./activations.ts";
import { planCertainty, poolItem, requestItem } from "./cache-items.ts";
import { vllmDtype } from "./dtype.ts";
import { overheadItems } from "./overhead.ts";
import { type CachePlan, cachePlan } from "./pool.ts";
import { blocksOf, poolBytes, poolCapacity, refusals } from "./pool-capacity.ts";
import { resolveSettings } from "./settings.ts";
import { placeOf } from "./tensor-shards.ts";
import { weightItems } from "./weights.ts";
import type { VllmWorkload } from "./workload.ts";

/** What vLLM allocates on each of its ranks, and what the pool of its cache holds. */
export function estimateVllm(model: Model, workload: VllmWorkload): MemoryEstimate {
  const settings = resolveSettings(model, workload);
  const dtype = vllmDtype(model, settings.dtype);
  const plan = cachePlan(model, settings);
  const ranks = settings.devices.map((device, rank) => ({ name: device.name, stage: placeOf(rank, settings).stage }));
  const weights = weightItems(model, settings, dtype);
  const activations = activationBytes(model, settings, dtype, plan);
  const compute = activations && ranks.map(({ name }) => activationItem(activations, settings, name));
  const overhead = settings.devices.flatMap((device) => overheadItems(settings, device));
  const bytes = plan && poolBytes(settings, ranks, [...weights, ...(compute ?? []), ...overhead]);
  // Encoders keep nothing, and have no pool.
  const blocks = plan && bytes && plan.groups.length > 0 ? blocksOf(plan, bytes) : null;
  const needCertainty = planCertainty(model, settings);
  const certainty = settings.availableCacheBytes === undefined ? "estimate" : needCertainty;
  const cache =
    plan &&
    ranks.map(({ name, stage }) =>
      blocks ? poolItem(plan, blocks, stage, name, certainty) : requestItem(plan, settings, stage, name, needCertainty),
    );
  return assembleEstimate({
    runtime: "vllm",
    runtimeVersion: settings.version,
    workload: settings,
    deviceNames: ranks.map(({ name }) => name),
    weights,
    cache,
    compute,
    overhead,
    cachePerToken: plan && bytesPerToken(plan) * settings.tensorParallel,
    ...(plan && { cachePerSequence: bytesPerRequest(plan) * settings.tensorParallel }),
    sequences: settings.sequences,
    capacity: plan && blocks ? poolCapacity(plan, settings, blocks, certainty) : undefined,
    diagnostics: plan && blocks ? refusals(plan, settings, blocks) : [],
  });
}

/** Of one token on one rank of each stage, while no window is full and no block has room left. */
function bytesPerToken({ specs }: CachePlan): number {
  return specs.reduce((sum, spec) => sum + spec.bytesPerToken, 0);
}

/** Blocks of one request on one rank of each stage. */
function bytesPerRequest(plan: CachePlan): number {
  return plan.blockBytes.reduce((sum, bytes) => sum + bytes * plan.requestBlocks, 0);
}
