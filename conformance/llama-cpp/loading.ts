import { readFileSync } from "node:fs";
import type { Model } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { LlamaCppWorkload } from "../../src/runtimes/llama-cpp/workload.ts";
import { askDevices } from "./engine.ts";
import { type GoldenFile, goldenPath } from "./golden.ts";
import type { AskedModel } from "./models.ts";
import { isAnswer } from "./placed.ts";
import { gpus, type PlacedWorkload, placedFlags } from "./placements.ts";

type Loading = PlacedWorkload & Pick<LlamaCppWorkload, "memoryMap" | "repack">;

const contextTokens = 512;

/** Ways to load a file. The engine is built for x86 with AVX2. */
const LOADINGS: readonly Loading[] = [
  { contextTokens, memoryMap: true },
  { contextTokens, repack: "avx2" },
  { contextTokens, memoryMap: true, repack: "avx2" },
  { contextTokens, memoryMap: true, devices: gpus([24]), gpuLayers: 1 },
  { contextTokens, repack: "avx2", pinnedHost: false, devices: gpus([24]), gpuLayers: 0 },
];

/** The same as flags of `ask`. */
function loadingFlags(workload: Loading): readonly string[] {
  const { memoryMap, repack } = workload;
  return [...(memoryMap ? ["--mmap"] : []), ...(repack ? ["--repack"] : []), ...placedFlags(workload)];
}

/** Bytes of the weights of one model, by way to load it; null where the engine did not. */
export type LoadingRow = { readonly model: string; readonly weightBytes: readonly (number | null)[] };

/** Asks about one file, which is loaded for it: only small files can be. */
export function askLoading({ name, path }: AskedModel): LoadingRow {
  const weightBytes = LOADINGS.map((workload) => {
    const answer = askDevices(path, loadingFlags(workload));
    return isAnswer(answer) ? answer.devices.reduce((sum, [weights]) => sum + weights, 0) : null;
  });
  return { model: name, weightBytes };
}

export function readLoading(): GoldenFile<LoadingRow> {
  return JSON.parse(readFileSync(goldenPath("loading"), "utf8"));
}

/** Where weighin's weights of one model differ from the engine's; empty when nowhere. */
export function loadingDifferences(model: Model, row: LoadingRow): string[] {
  return LOADINGS.flatMap((workload, index) => {
    const engine = row.weightBytes[index] ?? null;
    if (engine === null) return [];
    const own = estimateMemory(model, { runtime: "llama.cpp", ...workload }).totals.weights;
    return own === engine
      ? []
      : [`${row.model} ${loadingFlags(workload).join(" ")}: weights ${own}, llama.cpp ${engine}`];
  });
}
