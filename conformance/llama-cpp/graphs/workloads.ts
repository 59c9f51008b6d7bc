import { gpus, type PlacedWorkload } from "../placements.ts";

/** What the graphs of every model are written down for, on the CPU. */
export const GRAPH_WORKLOADS: readonly PlacedWorkload[] = [
  { contextTokens: 4096 },
  { contextTokens: 4096, flashAttention: "off" },
  { contextTokens: 5000, sequences: 3, cacheTypeK: "q8_0", cacheTypeV: "q8_0" },
];

const GPU = gpus([24]);

/** Each of these on the CPU and on one GPU. Outputs of 4 are those of a server with four slots. */
const SETTINGS: readonly PlacedWorkload[] = [
  { contextTokens: 8192, flashAttention: "off" },
  { contextTokens: 8192, cacheTypeK: "q8_0", cacheTypeV: "q8_0" },
  { contextTokens: 5000, sequences: 3 },
  { contextTokens: 5000, sequences: 3, unifiedCache: true },
  { contextTokens: 8192, sequences: 4, unifiedCache: true, outputs: 4 },
  { contextTokens: 8192, microBatchTokens: 1024 },
  { contextTokens: 131_072 },
  { contextTokens: 8192, cpuMoeLayers: "all" },
];

/** What the compute buffers of every model are asked for, beside what whole models are. */
export const COMPUTE_WORKLOADS: readonly PlacedWorkload[] = SETTINGS.flatMap((setting) => [
  setting,
  { ...setting, devices: GPU },
]);

const APPLE = gpus([24], "metal");

const METAL_SETTINGS: readonly PlacedWorkload[] = [
  ...SETTINGS,
  { contextTokens: 4096, gpuLayers: 2 },
  { contextTokens: 4096, gpuLayers: 0 },
  { contextTokens: 4096, offloadCache: false },
  { contextTokens: 4096, sequences: 2, embeddings: true, rollbackRows: 2 },
  { contextTokens: 5000, sequences: 3, unifiedCache: true, flashAttention: "off" },
];

/** What is asked of an Apple GPU, with layers, caches and experts on the host as well. */
export const METAL_WORKLOADS: readonly PlacedWorkload[] = METAL_SETTINGS.map((setting) => ({
  ...setting,
  devices: APPLE,
}));
