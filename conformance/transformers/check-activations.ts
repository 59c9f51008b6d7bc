import type { Model } from "../../src/model/model.ts";
import type { MemoryEstimate } from "../../src/runtimes/estimate.ts";
import { estimateMemory } from "../../src/runtimes/estimate-memory.ts";
import type { TransformersWorkload } from "../../src/runtimes/transformers/workload.ts";
import { type PartResult, verdict } from "../part.ts";
import { missingModules } from "../python.ts";
import {
  type ActivationRow,
  type ActivationRun,
  activationText,
  askActivations,
  readActivations,
} from "./activation-golden.ts";
import { modelOfConfig } from "./model-types.ts";

/** Model types of dense models whose figures must lie this close to the measured ones; of the rest the range must hold. */
const CLOSE = 0.05;

const DENSE: ReadonlySet<string> = new Set(
  [
    "llama qwen2 qwen3 mistral gemma gemma2 gemma3_text phi phi3 gpt2 gpt_neox olmo olmo2 granite smollm3 starcoder2 cohere cohere2",
    "glm4 opt stablelm exaone4 nemotron seed_oss",
  ].flatMap((names) => names.split(" ")),
);

/** How one run compares: shares of the measured peak that the figure is off by, and whether it lies in the range. */
export type Comparison = {
  readonly asked: string;
  readonly prompt: { readonly ours: number; readonly theirs: number; readonly inRange: boolean };
  /** After two tokens more, of models that take them in one at a time. */
  readonly decode?: { readonly ours: number; readonly theirs: number };
};

export function isDense({ modelType }: ActivationRow): boolean {
  return DENSE.has(modelType);
}

export async function compareActivations(row: ActivationRow): Promise<Comparison[]> {
  const model = await modelOfConfig(row.config);
  return row.runs.map((run) => compareRun(model, row, run));
}

function compareRun(model: Model, row: ActivationRow, run: ActivationRun): Comparison {
  const [dtype, attention, sequences, prompt, firstPeak, firstCache, , lastPeak, lastCache, , beams = 1, length = 0] =
    run;
  const common: TransformersWorkload = { runtime: "transformers", dtype, attention, sequences, beams };
  if (length > 0) return compareStatic(model, { ...common, cache: "static" }, run);
  // A decoder behind an encoder starts with one token.
  const started = model.encoder === undefined ? { contextTokens: prompt } : { contextTokens: 1, promptTokens: prompt };
  const filled = estimateMemory(model, { ...common, ...started });
  const theirs = firstPeak - firstCache;
  const { low, high } = rangeOf(filled);
  const answer: Comparison = {
    asked: `${row.modelType} (${row.variant}) ${dtype} ${attention} ${sequences} x ${prompt}`,
    prompt: { ours: filled.totals.compute ?? Number.NaN, theirs, inRange: low <= theirs && theirs <= high },
  };
  if (model.encoder !== undefined || beams > 1) return answer;
  // Two tokens follow the prompt; as if all but one did, since the prompt's own peak is compared above.
  const later = estimateMemory(model, { ...common, contextTokens: prompt + 2, newTokens: prompt + 1 });
  return { ...answer, decode: { ours: later.totals.compute ?? Number.NaN, theirs: lastPeak - lastCache } };
}

/** A static cache is as long from the start: the larger of both peaks. */
function compareStatic(model: Model, workload: TransformersWorkload, run: ActivationRun): Comparison {
  const [, , , prompt, firstPeak, cached, , lastPeak, , , , length = 0] = run;
  const estimated = estimateMemory(model, { ...workload, contextTokens: length, promptTokens: prompt });
  const theirs = Math.max(firstPeak, lastPeak) - cached;
  const { low, high } = rangeOf(estimated);
  return {
    asked: `${model.architecture} static ${JSON.stringify(run.slice(0, 4))}`,
    prompt: { ours: estimated.totals.compute ?? Number.NaN, theirs, inRange: low <= theirs && theirs <= high },
  };
}

function rangeOf({ items }: MemoryEstimate): { readonly low: number; readonly high: number } {
  const computing = items.filter(({ component }) => component === "compute");
  return {
    low: computing.reduce((sum, item) => sum + (item.low ?? item.bytes), 0),
    high: computing.reduce((sum, item) => sum + (item.high ?? item.bytes), 0),
  };
}

/** Where a figure is not as close as it has to be. */
export function farOff(row: ActivationRow, { asked, prompt, decode }: Comparison): string[] {
  const differences = prompt.inRange ? [] : [`${asked}: ${prompt.theirs} is outside the range of ${prompt.ours}`];
  if (!isDense(row)) return differences;
  for (const figure of decode === undefined ? [prompt] : [prompt, decode]) {
    if (Math.abs(figure.ours / figure.theirs - 1) > CLOSE)
      differences.push(`${asked}: ${figure.ours}, measured ${figure.theirs}`);
  }
  return differences;
}

/** Holds weighin's activations against the measured peaks of live tensors. */
export async function checkActivations(): Promise<PartResult> {
  const { rows } = readActivations();
  const differences: string[] = [];
  let [dense, others, worst] = [0, 0, 0];
  for (const row of rows) {
    const compared = await compareActivations(row);
    differences.push(...compared.flatMap((each) => farOff(row, each)));
    if (isDense(row)) {
      dense += compared.length;
      worst = Math.max(worst, ...compared.map(({ prompt }) => Math.abs(prompt.ours / prompt.theirs - 1)));
    } else others += compared.length;
  }
  const summary = `${dense} runs of dense models, at most ${(100 * worst).toFixed(1)} % off; ${others} of others in their range`;
  return verdict("weighin against PyTorch: peaks of live tensors", summary, differences);
}

/** Measures every peak again. */
export function checkActivationNumbers(): PartResult {
  const name = "PyTorch gives the golden peaks of live tensors";
  const missing = missingModules(["torch", "transformers"], "transformers/requirements.txt");
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  const [golden = [], now = []] = [readActivations(), askActivations()].map((answer) =>
    activationText(answer).split("\n"),
  );
  const differences = golden.flatMap((line, index) =>
    line === now[index] ? [] : [`golden ${line.trim().slice(0, 200)}, now ${now[index]?.trim().slice(0, 200)}`],
  );
  return verdict(name, `${golden.length} lines`, differences);
}
