import type { Model } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import { layerBlocks } from "../../src/runtimes/vllm/capacity.ts";
import type { KvSpec } from "../../src/runtimes/vllm/kv-spec.ts";
import { cachePlan } from "../../src/runtimes/vllm/pool.ts";
import { resolveSettings } from "../../src/runtimes/vllm/settings.ts";
import type { VllmWorkload } from "../../src/runtimes/vllm/workload.ts";
import type { Answer, CapacityRow, GroupRow } from "./golden.ts";

const CLASSES: { readonly [kind in KvSpec["kind"]]: string } = {
  full: "FullAttentionSpec",
  sliding: "SlidingWindowSpec",
  chunked: "ChunkedLocalAttentionSpec",
  latent: "MLAAttentionSpec",
  indexer: "MLAAttentionSpec",
  cross: "CrossAttentionSpec",
  state: "MambaSpec",
};

/** Where weighin's cache differs from vLLM's: groups, pages, blocks of a request, and what each pool holds. */
export function compareCache(model: Model, asked: Omit<VllmWorkload, "runtime">, answer: Answer): string[] {
  const workload: VllmWorkload = { runtime: "vllm", ...asked };
  const settings = resolveSettings(model, workload);
  const plan = cachePlan(model, settings);
  if (plan === null) return ["the cache is not known"];
  const differences: string[] = [];
  const hold = (what: string, ours: unknown, theirs: unknown): void => {
    const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
    if (a !== b) differences.push(`${what}: ${a}, vLLM ${b}`);
  };
  // Only windows are held for tokens in flight.
  if (plan.specs.some(({ window }) => window !== undefined))
    hold("tokens in flight", plan.request.inFlightTokens, answer.inFlightTokens);
  const groups = plan.groups.map(({ specs }): GroupRow => {
    const [first] = specs;
    const pages = specs.map(({ pageBytes }) => pageBytes);
    const even = pages.every((bytes) => bytes === pages[0]) && new Set(specs.map(({ shape }) => shape)).size === 1;
    return {
      kinds: [...new Set(specs.map(({ kind }) => CLASSES[kind]))].sort(),
      layers: specs.length,
      blockTokens: first?.blockTokens ?? 0,
      pageBytes: even ? (pages[0] ?? 0) : pages.reduce((sum, bytes) => sum + bytes, 0),
      requestBlocks: Math.max(0, ...specs.map((spec) => layerBlocks(spec, plan.request))),
    };
  });
  hold("groups", sorted(groups), sorted(answer.groups));
  for (const row of answer.capacities) {
    const { capacity, diagnostics, devices } = estimateMemory(model, {
      ...workload,
      availableCacheBytes: row.poolBytes,
    });
    const starts = !diagnostics.some(({ code }) => code === "does-not-start");
    if ("refused" in row) {
      hold(`refusal of a pool of ${row.poolBytes}`, starts ? "starts" : refusalOf(diagnostics), theirRefusal(row));
      continue;
    }
    const perStage = settings.tensorParallel;
    hold(`pool of ${row.poolBytes}`, starts && capacity && ours(capacity), ofRow(row));
    hold(
      `bytes of a pool of ${row.poolBytes}`,
      devices.filter((_, rank) => rank % perStage === 0).map(({ cache }) => cache),
      row.allocatedBytes,
    );
  }
  return differences;
}

/** The order of groups says nothing of their memory. */
function sorted(groups: readonly GroupRow[]): readonly string[] {
  return groups
    .map(({ kinds, layers, blockTokens, pageBytes, requestBlocks }) =>
      JSON.stringify({ kinds, layers, blockTokens, pageBytes, requestBlocks }),
    )
    .sort();
}

type Held = { readonly blocks: number; readonly tokens: number; readonly concurrency: number };

const ours = ({ blocks, tokens, concurrency }: Held): Held => ({ blocks, tokens, concurrency });
const ofRow = ({ blocks, tokens, concurrency }: Exclude<CapacityRow, { readonly refused: string }>): Held =>
  ours({ blocks, tokens, concurrency });

/** The longest context that would fit, which both name where there is one. */
function theirRefusal({ refused }: { readonly refused: string }): string {
  return /estimated maximum model length is (\d+)/.exec(refused)?.[1] ?? "none fits";
}

function refusalOf(diagnostics: readonly { readonly code: string; readonly message: string }[]): string {
  const message = diagnostics.find(({ code }) => code === "does-not-start")?.message ?? "";
  return /largest context that fits is (\d+)/.exec(message)?.[1] ?? "none fits";
}

/** Where weighin's weights differ from the parameters vLLM made. */
export function compareWeights(model: Model, asked: Omit<VllmWorkload, "runtime">, answer: Answer): string[] {
  const memory = estimateMemory(model, { runtime: "vllm", ...asked });
  const perStage = asked.tensorParallel ?? 1;
  const own = memory.devices.filter((_, rank) => rank % perStage === 0).map(({ weights }) => weights);
  const [a, b] = [JSON.stringify(own), JSON.stringify(answer.weightBytes)];
  return a === b ? [] : [`weights: ${a}, vLLM ${b}`];
}
