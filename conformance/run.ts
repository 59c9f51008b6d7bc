import * as llamaCpp from "./llama-cpp/check.ts";
import {
  checkDeviceNumbers,
  checkPublishedPlacements,
  checkVariants,
  checkWholeModels,
} from "./llama-cpp/check-devices.ts";
import { checkFlags } from "./llama-cpp/check-flags.ts";
import { checkGraphNumbers, checkGraphs } from "./llama-cpp/check-graphs.ts";
import { checkRandomWorkloads } from "./llama-cpp/check-random.ts";
import { checkMalformed } from "./malformed/check.ts";
import * as mlx from "./mlx/check.ts";
import type { PartResult } from "./part.ts";
import { checkReaders } from "./readers/check.ts";
import { checkRealConfigs } from "./real-configs/check-configs.ts";
import { checkPublishedTotals } from "./real-configs/check-totals.ts";
import { checkRealInput } from "./real-input.ts";
import * as training from "./training/check.ts";
import { GOLDEN_NAMES } from "./training/golden.ts";
import * as transformers from "./transformers/check.ts";
import { checkActivationNumbers, checkActivations } from "./transformers/check-activations.ts";
import { checkModelTypes } from "./transformers/check-model-types.ts";
import { checkQuantizedCaches } from "./transformers/check-quantized.ts";
import { VERSIONS } from "./transformers/engine.ts";
import { checkMetaShapes } from "./transformers/meta-shapes.ts";
import * as vllm from "./vllm/check.ts";

type Part = () => PartResult | Promise<PartResult>;

/** The parts of each engine: comparisons with the golden numbers first, then the engine asked again. */
const PARTS: ReadonlyMap<string, readonly Part[]> = new Map<string, readonly Part[]>([
  [
    "llama.cpp",
    [
      llamaCpp.checkEstimates,
      llamaCpp.checkArchitectures,
      checkWholeModels,
      checkVariants,
      checkGraphs,
      checkPublishedPlacements,
      llamaCpp.checkCompanions,
      llamaCpp.checkGoldenNumbers,
      llamaCpp.checkArchitectureNumbers,
      llamaCpp.checkCompanionNumbers,
      checkDeviceNumbers,
      checkGraphNumbers,
      checkRandomWorkloads,
      checkFlags,
      llamaCpp.checkPublishedBinary,
    ],
  ],
  [
    "transformers",
    [
      transformers.checkEstimates,
      checkModelTypes,
      checkActivations,
      checkQuantizedCaches,
      checkMetaShapes,
      ...VERSIONS.map((version) => () => transformers.checkGoldenNumbers(version)),
      checkActivationNumbers,
    ],
  ],
  ["vllm", [vllm.checkCases, vllm.checkModelTypes, vllm.checkGoldenNumbers]],
  ["mlx", [mlx.checkEstimates, mlx.checkPeaks, mlx.checkGoldenNumbers]],
  [
    "training",
    [
      training.checkStates,
      training.checkPeaks,
      training.checkSharding,
      ...GOLDEN_NAMES.map((name) => () => training.checkGoldenNumbers(name)),
    ],
  ],
  ["readers", [checkReaders, checkMalformed]],
  ["real", [checkRealInput, checkRealConfigs, checkPublishedTotals]],
]);

/** Runs every part that can run here, or those of the engines named, one line each. See `conformance/README.md`. */
const named = process.argv.slice(2);
const unknown = named.filter((name) => !PARTS.has(name));
if (unknown.length > 0) throw new Error(`no parts ${unknown.join(", ")}; there are: ${[...PARTS.keys()].join(", ")}`);
const DIFFERENCES_SHOWN = 20;

const results: PartResult[] = [];
for (const part of (named.length > 0 ? named : [...PARTS.keys()]).flatMap((name) => PARTS.get(name) ?? [])) {
  const result = await attempt(part);
  results.push(result);
  console.log(`${result.state.padEnd(7)} ${result.name}: ${result.summary}`);
  if (result.state !== "failed") continue;
  for (const difference of result.differences.slice(0, DIFFERENCES_SHOWN)) console.log(`        ${difference}`);
  const hidden = result.differences.length - DIFFERENCES_SHOWN;
  if (hidden > 0) console.log(`        and ${hidden} more`);
}
const count = (state: PartResult["state"]): number => results.filter((result) => result.state === state).length;
console.log(`${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`);
if (count("failed") > 0) process.exitCode = 1;

/** A part that breaks off is a failure, and no reason not to run the others. */
async function attempt(part: Part): Promise<PartResult> {
  try {
    return await part();
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name: part.name || "a part", state: "failed", summary: "broke off", differences: [problem] };
  }
}
