import { readFileSync } from "node:fs";
import type { Model } from "../../src/model/model.ts";
import type { MemoryEstimate } from "../../src/runtimes/estimate.ts";
import { estimateUnlessRefused } from "../../src/runtimes/estimate-memory.ts";
import { type AnsweredBytes, askDevices, type DeviceAnswer } from "./engine.ts";
import { type GoldenFile, goldenPath } from "./golden.ts";
import type { AskedModel } from "./models.ts";
import { type PlacedWorkload, PUBLISHED_PLACEMENTS, placedFlags } from "./placements.ts";

/** Bytes of weights, cache and compute buffer on the CPU and on each GPU, in their order. */
export type DeviceBytes = readonly AnsweredBytes[];

/** What the engine said of one model on several devices. */
export type PlacedRow = {
  readonly model: string;
  readonly outputBytes: readonly (number | null)[];
  /** By placement; a text is the reason of a refusal, null where the engine broke off. */
  readonly placed: readonly (DeviceBytes | string | null)[];
};

export function askPlaced({ name, path }: AskedModel): PlacedRow {
  const answers = PUBLISHED_PLACEMENTS.map((workload) => askDevices(path, placedFlags(workload)));
  return {
    model: name,
    outputBytes: answers.map(outputBytesOf),
    placed: answers.map(byDevice),
  };
}

/** What the engine said, as it stands in the golden files. */
export function byDevice(answer: DeviceAnswer | undefined): DeviceBytes | string | null {
  return isAnswer(answer) ? answer.devices : (answer?.refused ?? null);
}

export function outputBytesOf(answer: DeviceAnswer | undefined): number | null {
  return isAnswer(answer) ? answer.outputBytes : null;
}

export function isAnswer(answer: DeviceAnswer | undefined): answer is Exclude<DeviceAnswer, { refused: string }> {
  return answer !== undefined && !("refused" in answer);
}

export function readPlaced(): GoldenFile<PlacedRow> {
  return JSON.parse(readFileSync(goldenPath("published-placements"), "utf8"));
}

/** How figures on devices stand to the engine's: equal ones by what they are of, the others in words. */
export type PlacedVerdict = {
  readonly exact: {
    weights: number;
    cache: number;
    output: number;
    compute: number;
    computeInBounds: number;
    refusals: number;
  };
  readonly differences: string[];
};

export function placedVerdict(): PlacedVerdict {
  const exact = { weights: 0, cache: 0, output: 0, compute: 0, computeInBounds: 0, refusals: 0 };
  return { exact, differences: [] };
}

/** Holds one placement against the engine's answer, device by device, and a refusal against a refusal. */
export function comparePlaced(
  model: Model,
  workload: PlacedWorkload,
  answer: DeviceBytes | string | null | undefined,
  verdict: PlacedVerdict,
  outputBytes?: number | null,
): void {
  if (answer === undefined) return;
  const asked = JSON.stringify(workload);
  const memory = tryEstimate(model, workload);
  if (memory === undefined || answer === null || typeof answer === "string") {
    if (memory === undefined && !Array.isArray(answer)) verdict.exact.refusals += 1;
    // Where the engine breaks off there is nothing to hold a figure against.
    else if (answer !== null)
      verdict.differences.push(`${asked}: ${memory ? "weighed" : "refused"}, llama.cpp ${answer}`);
    return;
  }
  const equal = (part: "weights" | "cache" | "output", where: string, ours: number | null, theirs: number): void => {
    if (ours === theirs) verdict.exact[part] += 1;
    else verdict.differences.push(`${where}: ${part} ${ours}, llama.cpp ${theirs}`);
  };
  if (typeof outputBytes === "number") equal("output", asked, outputOf(memory), outputBytes);
  for (const [index, [weights, cache, compute]] of answer.entries()) {
    const name = deviceName(index);
    const device = memory.devices.find((each) => each.name === name);
    equal("weights", `${asked} ${name}`, device?.weights ?? null, weights);
    equal("cache", `${asked} ${name}`, device?.cache ?? null, cache);
    const held = compareCompute(memory, name, compute);
    if (typeof held === "object") verdict.differences.push(`${asked} ${held.difference}`);
    else verdict.exact[held] += 1;
  }
}

/** The estimate, or undefined where weighin refuses the workload. */
export function tryEstimate(model: Model, workload: PlacedWorkload): MemoryEstimate | undefined {
  return estimateUnlessRefused(model, { runtime: "llama.cpp", ...workload });
}

/** Bytes of the output buffer. */
export function outputOf({ items }: MemoryEstimate): number {
  return items.find(({ label }) => label.startsWith("output buffer"))?.bytes ?? 0;
}

/** What the devices of a workload are called, in the engine's order: the host first. */
export function deviceName(index: number): string {
  return index === 0 ? "CPU" : `GPU${index - 1}`;
}

/** Holds the compute buffer of a device against the engine's: to the byte, or in its bounds where it is an estimate. */
export function compareCompute(
  { items }: Pick<MemoryEstimate, "items">,
  device: string,
  theirs: number,
): "compute" | "computeInBounds" | { readonly difference: string } {
  const own = items.filter((item) => item.component === "compute" && item.device === device);
  const bytes = own.reduce((sum, item) => sum + item.bytes, 0);
  const low = own.reduce((sum, item) => sum + (item.low ?? item.bytes), 0);
  const high = own.reduce((sum, item) => sum + (item.high ?? item.bytes), 0);
  const isEstimate = own.some(({ certainty }) => certainty === "estimate");
  if (!isEstimate && bytes === theirs) return "compute";
  if (isEstimate && low <= theirs && theirs <= high) return "computeInBounds";
  const ours = isEstimate ? `${low} to ${high}` : bytes;
  return { difference: `${device}: compute ${ours}, llama.cpp ${theirs}` };
}
