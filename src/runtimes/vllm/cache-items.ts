import type { Model } from "../../model/model.ts";
import type { Certainty, MemoryItem } from "../estimate.ts";
import type { KvSpec } from "./kv-spec.ts";
import type { CachePlan } from "./pool.ts";
import { PROVEN_CACHES } from "./proven.ts";
import type { VllmSettings } from "./settings.ts";
import { VLLM_VERSION } from "./version.ts";

const SOURCE = "vLLM 0.32.0 v1/kv_cache_interface.py, v1/core/kv_cache_utils.py";

/** Exact where the release itself made the same specs and blocks of a model of this type. */
export function planCertainty(model: Model, settings: VllmSettings): Certainty {
  return settings.version === VLLM_VERSION && PROVEN_CACHES.has(model.architecture ?? "") ? "exact" : "derived";
}

/** Blocks that `sequences` requests hold on a rank of each stage: what is needed, where no pool is known. */
export function requestItem(
  plan: CachePlan,
  settings: VllmSettings,
  stage: number,
  device: string,
  certainty: Certainty,
): MemoryItem {
  const requests = Math.ceil(settings.sequences / settings.dataParallel);
  const blocks = plan.requestBlocks * requests;
  return {
    component: "cache",
    label: `${kindsOf(plan)}, ${blocks} blocks for ${requests} request${requests === 1 ? "" : "s"} of ${settings.contextTokens} tokens`,
    device,
    bytes: blocks * (plan.blockBytes[stage] ?? 0),
    certainty,
    source: SOURCE,
  };
}

/** The pool that is allocated at the start, whatever is asked of it. */
export function poolItem(
  plan: CachePlan,
  { low, blocks, high }: Blocks,
  stage: number,
  device: string,
  certainty: Certainty,
): MemoryItem {
  const blockBytes = plan.blockBytes[stage] ?? 0;
  return {
    component: "cache",
    label: `${kindsOf(plan)}, a pool of ${blocks} blocks`,
    device,
    bytes: blocks * blockBytes,
    certainty,
    source: SOURCE,
    ...(certainty === "estimate" && { low: low * blockBytes, high: high * blockBytes, fills: true as const }),
  };
}

export type Blocks = { readonly low: number; readonly blocks: number; readonly high: number };

const WORDS: { readonly [kind in KvSpec["kind"]]: string } = {
  full: "KV cache",
  sliding: "KV cache",
  chunked: "KV cache",
  latent: "latent cache",
  indexer: "indexer keys",
  cross: "cross-attention cache",
  state: "recurrent state",
};

function kindsOf({ specs }: CachePlan): string {
  const words = [...new Set(specs.map(({ kind }) => WORDS[kind]))];
  return words.length === 0 ? "no cache" : words.join(", ");
}
