import type { Device } from "../device.ts";
import type { LlamaCppSettings } from "./settings.ts";
import { joinedGpu } from "./tensor-split.ts";

/** Which device each block lies on. */
export type Placement = {
  /** Device of the input tensors, the output buffer and all that no GPU takes. */
  readonly host: Device;
  /** GPUs that are used, in order; none without one. */
  readonly gpus: readonly Device[];
  /** Device of a block's weights. */
  readonly deviceOf: (block: number) => Device;
  /** Device of the output layer, which is counted after the last block. */
  readonly output: Device;
};

/** One for all: a draft's graph reads what its target has there. */
const CPU: Device = { name: "CPU", kind: "cpu" };

/**
 * Blocks on devices as `load_tensors` places them (llama.cpp 0.5.0 `src/llama-model.cpp:1490-1541`): of the `gpuLayers` last
 * ones, the output layer among them, each GPU takes a share by `tensorSplit`, else by its memory.
 */
export function placeBlocks(settings: LlamaCppSettings, blockCount: number): Placement {
  const { devices, gpuLayers } = settings;
  const host = devices.find(({ kind }) => kind === "cpu") ?? CPU;
  const gpus = usedGpus(settings);
  const count = blockCount + 1;
  const offloaded = gpus.length === 0 ? 0 : Math.min(gpuLayers === "all" ? count : gpuLayers, count);
  const first = count - offloaded;
  const ends = shareEnds(gpus, settings.tensorSplit);
  const deviceOf = (block: number): Device => {
    if (block < first) return host;
    // Shares and positions are compared as 32-bit numbers.
    const position = Math.fround((block - first) / offloaded);
    return gpus[ends.findIndex((end) => end > position)] ?? host;
  };
  return { host, gpus, deviceOf, output: deviceOf(blockCount) };
}

/** The GPUs that layers are shared among; split by tensors, all are one. */
function usedGpus({ devices, splitMode, mainGpu }: LlamaCppSettings): readonly Device[] {
  const all = devices.filter(({ kind }) => kind !== "cpu");
  if (splitMode === "none") return all.slice(mainGpu, mainGpu + 1);
  return splitMode === "tensor" && all.length > 0 ? [joinedGpu(all)] : all;
}

/** Where the share of each GPU ends, of 1: sums in 32-bit numbers, as the engine's. */
export function shareEnds(gpus: readonly Device[], tensorSplit: readonly number[]): number[] {
  const given = gpus.map((_, index) => tensorSplit[index] ?? 0);
  const shares = given.some((share) => share > 0) ? given : gpus.map(({ memoryBytes }) => memoryBytes ?? 1);
  let sum = 0;
  const ends = shares.map((share) => {
    sum = Math.fround(sum + Math.fround(share));
    return sum;
  });
  return ends.map((end) => Math.fround(end / sum));
}
