import type { Device } from "../../src/runtimes/device.ts";
import type { LlamaCppWorkload } from "../../src/runtimes/llama-cpp/workload.ts";
import { type AskedWorkload, engineFlags } from "./workloads.ts";

/** Where things go, in the words of a weighin workload. */
export type Placement = Pick<
  LlamaCppWorkload,
  | "devices"
  | "gpuLayers"
  | "splitMode"
  | "mainGpu"
  | "tensorSplit"
  | "overrideTensors"
  | "cpuMoeLayers"
  | "cpuFeedForwardLayers"
  | "offloadCache"
  | "loadMtp"
  | "embeddings"
  | "rollbackRows"
  | "pinnedHost"
  | "operatorOffload"
  | "outputs"
>;

/** A workload on certain devices. */
export type PlacedWorkload = AskedWorkload & Placement;

/** GPUs of so many billion bytes. */
export function gpus(gigabytes: readonly number[], kind: Device["kind"] = "cuda"): readonly Device[] {
  return gigabytes.map((memory, index) => ({ name: `GPU${index}`, kind, memoryBytes: memory * 1e9 }));
}

/** What every model is asked for. */
export const PLACEMENTS: readonly PlacedWorkload[] = [
  { contextTokens: 4096, devices: gpus([24]) },
  { contextTokens: 4096, devices: gpus([24]), gpuLayers: 2 },
  { contextTokens: 4096, devices: gpus([24], "metal") },
  { contextTokens: 4096, devices: gpus([24, 8]) },
  { contextTokens: 4096, devices: gpus([24, 8, 16]), tensorSplit: [3, 1, 2], loadMtp: true },
  {
    contextTokens: 4096,
    sequences: 3,
    cacheTypeK: "q8_0",
    cacheTypeV: "q8_0",
    devices: gpus([24]),
    offloadCache: false,
    cpuMoeLayers: "all",
  },
  { contextTokens: 4096, sequences: 2, devices: gpus([24, 24]), embeddings: true, rollbackRows: 2 },
];

const SPLITS: readonly Placement[] = [{}, { tensorSplit: [3, 1, 2] }];
const LAYERS: readonly Placement[] = [0, 1, 2, 4, "all" as const].map((gpuLayers) => ({ gpuLayers }));
const KEPT_BACK: readonly Placement[] = [
  {},
  { cpuMoeLayers: 2, cpuFeedForwardLayers: 3 },
  {
    overrideTensors: [
      { pattern: "attn_(q|output)", device: "CPU" },
      { pattern: "blk\\.[01]\\.", device: "GPU0" },
    ],
  },
];

/** Every combination, for a few models. */
export const PLACEMENT_GRID: readonly PlacedWorkload[] = [1, 2, 3].flatMap((count) =>
  SPLITS.flatMap(({ tensorSplit }) =>
    LAYERS.flatMap((layers) =>
      KEPT_BACK.map((kept): PlacedWorkload => {
        const devices = gpus([24, 8, 16].slice(0, count));
        const split = tensorSplit === undefined ? {} : { tensorSplit: tensorSplit.slice(0, count) };
        return { contextTokens: 4096, devices, ...split, ...layers, ...kept };
      }),
    ),
  ),
);

/** What variants of models are asked for. */
export const VARIANT_PLACEMENTS: readonly PlacedWorkload[] = [{ contextTokens: 4096 }, ...PLACEMENTS];

const DEEP_SPLITS: readonly Placement[] = [
  { devices: gpus([24]) },
  ...[gpus([24, 8]), gpus([24, 8, 16])].flatMap((devices) => [
    { devices },
    { devices, tensorSplit: [3, 1, 2].slice(0, devices.length) },
  ]),
];
const DEEP_LAYERS: readonly Placement[] = [0, 1, 2, 5, "all" as const].map((gpuLayers) => ({ gpuLayers }));
const DEEP_KEPT_BACK: readonly Placement[] = [
  {},
  { cpuMoeLayers: 2 },
  {
    overrideTensors: [
      { pattern: "blk\\.(0|7)\\.attn", device: "CPU" },
      { pattern: "blk\\.1\\.", device: "GPU0" },
    ],
  },
  { offloadCache: false },
  { loadMtp: true },
];

/** Every combination, for models with layers enough for three devices; and one device of several. */
export const DEEP_GRID: readonly PlacedWorkload[] = [
  ...DEEP_SPLITS.flatMap((split) =>
    DEEP_LAYERS.flatMap((layers) =>
      DEEP_KEPT_BACK.map((kept): PlacedWorkload => ({ contextTokens: 4096, ...split, ...layers, ...kept })),
    ),
  ),
  ...DEEP_LAYERS.map(
    (layers): PlacedWorkload => ({
      contextTokens: 4096,
      devices: gpus([24, 8, 16]),
      splitMode: "none",
      mainGpu: 1,
      ...layers,
    }),
  ),
];

/** What the models of published shape and size are asked for. */
export const PUBLISHED_PLACEMENTS: readonly PlacedWorkload[] = [
  { contextTokens: 8192 },
  { contextTokens: 5000, sequences: 3 },
  { contextTokens: 5000, sequences: 3, unifiedCache: true },
  { contextTokens: 8192, flashAttention: "off" },
  { contextTokens: 8192, cacheTypeK: "q8_0", cacheTypeV: "q8_0" },
  { contextTokens: 8192, fullSlidingWindowCache: true, microBatchTokens: 256 },
  { contextTokens: 300, microBatchTokens: 1024 },
  { contextTokens: 8192, devices: gpus([24]) },
  { contextTokens: 8192, sequences: 4, microBatchTokens: 2048, devices: gpus([24]) },
  { contextTokens: 4096, loadMtp: true, embeddings: true },
  ...PLACEMENTS,
  { contextTokens: 8192, outputs: 4, microBatchTokens: 1024 },
  { contextTokens: 8192, outputs: 4, microBatchTokens: 1024, devices: gpus([24]) },
  { contextTokens: 8192, flashAttention: "off", devices: gpus([24]) },
  { contextTokens: 5000, sequences: 3, devices: gpus([24]) },
  { contextTokens: 8192, cacheTypeK: "q8_0", cacheTypeV: "q8_0", devices: gpus([24]) },
  { contextTokens: 8192, devices: gpus([24, 24]) },
  { contextTokens: 8192, devices: gpus([24, 24, 24, 24]) },
  { contextTokens: 8192, devices: gpus([24]), gpuLayers: 0 },
  { contextTokens: 8192, devices: gpus([24]), gpuLayers: 0, operatorOffload: false },
  { contextTokens: 32768, cacheTypeK: "f32", cacheTypeV: "f32", devices: gpus([24]) },
  { contextTokens: 32768, cacheTypeV: "f32", microBatchTokens: 1 },
  {
    contextTokens: 4096,
    devices: gpus([24, 8]),
    tensorSplit: [1],
    overrideTensors: [{ pattern: "attn_(q|output)|^output\\.|token_embd", device: "GPU1" }],
  },
];

/** `common/common.h`, LLM_FFN_EXPS_REGEX and LLM_FFN_DENSE_REGEX, as `common/arg.cpp` makes overrides of them. */
export const EXPERTS = "\\.ffn_(up|down|gate|gate_up)_(ch|)exps";
export const DENSE = "\\.ffn_(up|down|gate)\\.";

/** The same as flags of `ask`. */
export function placedFlags(workload: PlacedWorkload): readonly string[] {
  const flags = [...engineFlags(workload)];
  const { devices = [], gpuLayers, cpuMoeLayers = 0, cpuFeedForwardLayers = 0 } = workload;
  if (devices.length > 0) flags.push("--gpus", devices.map(({ memoryBytes }) => memoryBytes ?? 0).join(","));
  if (devices.some(({ kind }) => kind === "metal")) flags.push("--gpu-kind", "metal");
  if (typeof gpuLayers === "number") flags.push("-ngl", String(gpuLayers));
  if (workload.splitMode !== undefined) flags.push("-sm", workload.splitMode);
  if (workload.mainGpu !== undefined) flags.push("-mg", String(workload.mainGpu));
  if (workload.tensorSplit !== undefined) flags.push("-ts", workload.tensorSplit.join(","));
  for (const { pattern, device } of workload.overrideTensors ?? []) flags.push("-ot", `${pattern}=${device}`);
  const ofBlocks = (count: number, what: string): string[] =>
    Array.from({ length: count }, (_, block) => ["-ot", `blk\\.${block}${what}=CPU`]).flat();
  if (cpuMoeLayers === "all") flags.push("-ot", `${EXPERTS}=CPU`);
  else flags.push(...ofBlocks(cpuMoeLayers, EXPERTS));
  flags.push(...ofBlocks(cpuFeedForwardLayers, DENSE));
  if (workload.offloadCache === false) flags.push("-nkvo");
  if (workload.loadMtp) flags.push("--mtp");
  if (workload.operatorOffload === false) flags.push("--no-op-offload");
  if (workload.embeddings) flags.push("--embeddings");
  if (workload.outputs !== undefined) flags.push("--outputs", String(workload.outputs));
  if (workload.rollbackRows !== undefined) flags.push("--rs-seq", String(workload.rollbackRows));
  if (workload.pinnedHost === false) flags.push("--no-host");
  return flags;
}
