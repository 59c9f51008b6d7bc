import { readFileSync } from "node:fs";
import type { Model } from "../../src/model/model.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { LlamaCppWorkload } from "../../src/runtimes/workload.ts";
import { askDevices } from "./engine.ts";
import { type GoldenFile, goldenPath } from "./golden.ts";
import type { AskedModel } from "./models.ts";
import { gpus } from "./placements.ts";

type Loading = Pick<LlamaCppWorkload, "memoryMap" | "repack" | "devices" | "gpuLayers" | "pinnedHost">;

/** Ways to load a file, and the same as flags of `ask`. The engine is built for x86 with AVX2. */
const LOADINGS: readonly { readonly workload: Loading; readonly flags: readonly string[] }[] = [
  { workload: { memoryMap: true }, flags: ["--mmap"] },
  { workload: { repack: "avx2" }, flags: ["--repack"] },
  { workload: { memoryMap: true, repack: "avx2" }, flags: ["--mmap", "--repack"] },
  {
    workload: { memoryMap: true, devices: gpus([24]), gpuLayers: 1 },
    flags: ["--mmap", "--gpus", "24000000000", "-ngl", "1"],
  },
  {
    workload: { repack: "avx2", pinnedHost: false, devices: gpus([24]), gpuLayers: 0 },
    flags: ["--repack", "--no-host", "--gpus", "24000000000", "-ngl", "0"],
  },
];

const CONTEXT = 512;

/** Bytes of the weights of one model, by way to load it; null where the engine did not. */
export type LoadingRow = { readonly model: string; readonly weightBytes: readonly (number | null)[] };

/** Asks about one file, which is loaded for it: only small files can be. */
export function askLoading({ name, path }: AskedModel): LoadingRow {
  const weightBytes = LOADINGS.map(({ flags }) => {
    const answer = askDevices(path, ["-c", String(CONTEXT), ...flags]);
    return answer && "devices" in answer ? answer.devices.reduce((sum, [weights]) => sum + weights, 0) : null;
  });
  return { model: name, weightBytes };
}

export function readLoading(): GoldenFile<LoadingRow> {
  return JSON.parse(readFileSync(goldenPath("loading"), "utf8"));
}

/** Where weighin's weights of one model differ from the engine's; empty when nowhere. */
export function loadingDifferences(model: Model, row: LoadingRow): string[] {
  return LOADINGS.flatMap(({ workload, flags }, index) => {
    const engine = row.weightBytes[index] ?? null;
    if (engine === null) return [];
    const own = estimateMemory(model, { runtime: "llama.cpp", contextTokens: CONTEXT, ...workload }).totals.weights;
    return own === engine ? [] : [`${row.model} ${flags.join(" ")}: weights ${own}, llama.cpp ${engine}`];
  });
}
