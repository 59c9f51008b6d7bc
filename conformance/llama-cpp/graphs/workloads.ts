import { gpus, type PlacedWorkload } from "../placements.ts";

/** What the graphs of every model are written down for, on the CPU. */
export const GRAPH_WORKLOADS: readonly PlacedWorkload[] = [
  { contextTokens: 4096 },
  { contextTokens: 4096, flashAttention: "off" },
  { contextTokens: 5000, sequences: 3, cacheTypeK: "q8_0", cacheTypeV: "q8_0" },
  { contextTokens: 4096, sequences: 2, rollbackRows: 3, embeddings: true },
];

/** What compute buffers are asked for, by name. Outputs of 4 are those of a server with four slots. */
const SETTINGS: Readonly<Record<string, PlacedWorkload>> = {
  "default settings": { contextTokens: 8192 },
  "flash attention off": { contextTokens: 8192, flashAttention: "off" },
  "q8_0 cache": { contextTokens: 8192, cacheTypeK: "q8_0", cacheTypeV: "q8_0" },
  "3 sequences": { contextTokens: 5000, sequences: 3 },
  "unified cache": { contextTokens: 5000, sequences: 3, unifiedCache: true },
  "outputs of a server": { contextTokens: 8192, sequences: 4, unifiedCache: true, outputs: 4 },
  "micro-batch of 1024": { contextTokens: 8192, microBatchTokens: 1024 },
  "context of 131,072": { contextTokens: 131_072 },
  "experts on the CPU": { contextTokens: 8192, cpuMoeLayers: "all" },
};

const DEVICES: Readonly<Record<string, Pick<PlacedWorkload, "devices">>> = {
  "the CPU": {},
  "a CUDA GPU": { devices: gpus([24]) },
  "an Apple GPU": { devices: gpus([24], "metal") },
};

type NamedWorkload = { readonly setting: string; readonly device: string; readonly workload: PlacedWorkload };

/** Each setting on each device, in the order of the golden file. */
export const COMPUTE_WORKLOADS: readonly NamedWorkload[] = Object.entries(SETTINGS).flatMap(([setting, settings]) =>
  Object.entries(DEVICES).map(([device, devices]) => ({ setting, device, workload: { ...settings, ...devices } })),
);

/** Those of variants: the default settings on each device. */
export const VARIANT_WORKLOADS: readonly NamedWorkload[] = COMPUTE_WORKLOADS.slice(0, Object.keys(DEVICES).length);
