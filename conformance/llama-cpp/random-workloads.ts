import fc from "fast-check";
import { CACHE_TYPE_NAMES } from "../../src/runtimes/llama-cpp/cache-type.ts";
import { gpus, type PlacedWorkload } from "./placements.ts";

const cacheType = fc.constantFrom(...CACHE_TYPE_NAMES);

/** Sizes on both sides of where padding, batches of GPUs and clamping begin. */
const SIZES = fc.record(
  {
    contextTokens: fc.constantFrom(1, 2, 255, 256, 257, 511, 4096, 5000, 8192, 32_768, 131_072, 1_000_000),
    sequences: fc.constantFrom(1, 2, 3, 4, 7, 16, 64, 255, 256),
    unifiedCache: fc.boolean(),
    batchTokens: fc.constantFrom(1, 16, 512, 2048),
    microBatchTokens: fc.constantFrom(1, 2, 3, 8, 31, 32, 33, 64, 512, 1024, 2048),
    outputs: fc.constantFrom(4, 100),
    embeddings: fc.boolean(),
    flashAttention: fc.constantFrom("auto", "on", "off"),
    fullSlidingWindowCache: fc.boolean(),
    rollbackRows: fc.constantFrom(1, 3),
    loadMtp: fc.boolean(),
  },
  { requiredKeys: ["contextTokens"] },
);

/** Equal types for most: latent caches take no others. */
const TYPES = fc.oneof(
  fc.constant({}),
  cacheType.map((type) => ({ cacheTypeK: type, cacheTypeV: type })),
  fc.record({ cacheTypeK: cacheType, cacheTypeV: cacheType }),
);

/** Where things go, of a number of GPUs. */
const PLACES = fc.record(
  {
    gpuLayers: fc.constantFrom(0, 1, 2, 3, 5, 99),
    offloadCache: fc.boolean(),
    operatorOffload: fc.boolean(),
    pinnedHost: fc.boolean(),
    cpuMoeLayers: fc.constantFrom(1, "all" as const),
    cpuFeedForwardLayers: fc.constant(1),
    overrideTensors: fc
      .record({
        pattern: fc.constantFrom("exps", "attn", "blk\\.0\\.", "output", "token_embd", "norm"),
        device: fc.constantFrom("CPU", "GPU0"),
      })
      .map((override) => [override]),
  },
  { requiredKeys: [] },
);

const DEVICES = fc.constantFrom(gpus([24]), gpus([24], "metal"), gpus([24, 8]), gpus([8, 8, 8]), gpus([1, 2, 3, 4, 5]));

const ON_HOST: fc.Arbitrary<PlacedWorkload> = fc.tuple(SIZES, TYPES).map(([sizes, types]) => ({ ...sizes, ...types }));

const ON_GPUS: fc.Arbitrary<PlacedWorkload> = fc
  .tuple(ON_HOST, PLACES, DEVICES)
  .map(([asked, places, devices]) => ({ ...asked, ...places, devices }));

/** Any workload of llama.cpp. */
export const WORKLOAD: fc.Arbitrary<PlacedWorkload> = fc.oneof(
  { arbitrary: ON_HOST, weight: 1 },
  { arbitrary: ON_GPUS, weight: 4 },
);
