import type { Model } from "../../src/model/model.ts";
import { PROVEN_CACHES, PROVEN_SHARES, PROVEN_WEIGHTS } from "../../src/runtimes/vllm/proven.ts";
import { type PartResult, verdict } from "../part.ts";
import { modelOfConfig, modelOfRow } from "../transformers/model-types.ts";
import { compareCache, compareWeights } from "./compare.ts";
import { askEngine, missingEngine, TINY_WORKLOAD, tinyModels } from "./engine.ts";
import { type Answer, goldenText, readGolden } from "./golden.ts";
import { MODELS } from "./models.ts";

/** Asks vLLM again, everything, and holds the answers against the committed golden numbers: a quarter of an hour. */
export function checkGoldenNumbers(): PartResult {
  const name = "vLLM 0.32.0 gives the golden numbers";
  const missing = missingEngine();
  if (missing !== undefined) return { name, state: "skipped", summary: missing };
  const [golden = [], now = []] = [readGolden(), askEngine()].map((answer) => goldenText(answer).split("\n"));
  const lines = Array.from({ length: Math.max(golden.length, now.length) }, (_, index) => index);
  const differences = lines
    .filter((index) => golden[index] !== now[index])
    .map((index) => `golden ${golden[index]?.trim().slice(0, 200)}, now ${now[index]?.trim().slice(0, 200)}`);
  return verdict(name, `${golden.length} lines`, differences);
}

/** Holds weighin's cache of published models against vLLM's: groups, pages, blocks, capacity of pools. */
export async function checkCases(): Promise<PartResult> {
  const differences: string[] = [];
  let exact = 0;
  const { cases } = readGolden();
  for (const row of cases) {
    const found = compareCache(await modelOfConfig(MODELS[row.model] ?? {}), row.workload, row);
    if (found.length === 0) exact += 1;
    differences.push(...found.map((difference) => `${row.model} ${JSON.stringify(row.workload)}: ${difference}`));
  }
  return verdict("weighin against vLLM: the cache of published models", `${exact}/${cases.length} exact`, differences);
}

/** What weighin and vLLM make of the tiny model of one model_type on some ranks. */
export type TinyResult = {
  readonly modelType: string;
  readonly tensorParallel: number;
  readonly cache: readonly string[];
  readonly weights: readonly string[];
};

/** Every tiny model that vLLM answered for. */
export async function compareTinyModels(): Promise<readonly TinyResult[]> {
  const rows = new Map(tinyModels().map((row) => [row.modelType, row]));
  const results: TinyResult[] = [];
  for (const row of readGolden().modelTypes) {
    const tiny = rows.get(row.modelType);
    if ("failed" in row || tiny === undefined) continue;
    const model = await modelOfRow(tiny);
    const { modelType, tensorParallel } = row;
    results.push({ modelType, tensorParallel, ...compareTiny(model, tensorParallel, row) });
  }
  return results;
}

function compareTiny(model: Model, tensorParallel: number, answer: Answer): Pick<TinyResult, "cache" | "weights"> {
  const workload = { ...TINY_WORKLOAD, tensorParallel };
  return { cache: compareCache(model, workload, answer), weights: compareWeights(model, workload, answer) };
}

/** Holds weighin against every tiny model: what is called exact has to be. */
export async function checkModelTypes(): Promise<PartResult> {
  const results = await compareTinyModels();
  const differences = results.flatMap(({ modelType, tensorParallel, cache, weights }) => [
    ...(PROVEN_CACHES.has(modelType) ? cache : []),
    ...((tensorParallel === 1 ? PROVEN_WEIGHTS : PROVEN_SHARES).has(modelType) ? weights : []),
  ]);
  const exact = (part: "cache" | "weights") => results.filter((result) => result[part].length === 0).length;
  const summary = `cache ${exact("cache")}/${results.length} exact, weights ${exact("weights")}/${results.length}`;
  return verdict("weighin against vLLM: tiny models of every model_type", summary, differences);
}
