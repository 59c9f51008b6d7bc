import { missingModules, runPython } from "../python.ts";
import { readModelTypes, type ModelTypeRow as TinyModel } from "../transformers/model-types.ts";
import { CASES } from "./cases.ts";
import type { Answer, Golden } from "./golden.ts";
import { MODELS } from "./models.ts";

type Question = {
  readonly name: string;
  readonly config: unknown;
  readonly workload: object;
  readonly pools: readonly number[];
};

type Answered = { readonly name: string; readonly versions: Golden["versions"] } & (
  | Answer
  | { readonly failed: string }
);

/** Why vLLM cannot be asked here, or undefined when it can. */
export function missingEngine(): string | undefined {
  return missingModules(["torch", "vllm"], "vllm/requirements.txt", ".venv-vllm");
}

/** Ranks that tiny models are asked for: their heads divide by no more. */
const TENSOR_PARALLEL = [1, 2];

const TINY_POOL_BYTES = 16 * 1024 ** 2;
export const TINY_WORKLOAD = { contextTokens: 64, maxBatchedTokens: 2048, dtype: "bfloat16" } as const;

/** The tiny model of every model_type that transformers keeps a cache for. */
export function tinyModels(): readonly TinyModel[] {
  return readModelTypes().rows.filter((row): row is TinyModel => !("refused" in row) && row.caches !== undefined);
}

/** Asks everything: some minutes. */
export function askEngine(): Golden {
  const questions: Question[] = [
    ...CASES.map(({ model, workload, pools }) => ({ name: model, config: MODELS[model], workload, pools })),
    ...tinyModels().flatMap(({ modelType, config }) =>
      TENSOR_PARALLEL.map((tensorParallel) => ({
        name: `${modelType} ${tensorParallel}`,
        config,
        workload: { ...TINY_WORKLOAD, tensorParallel },
        pools: [TINY_POOL_BYTES],
      })),
    ),
  ];
  const input = questions.map((question) => JSON.stringify(question)).join("\n");
  const lines = runPython("vllm/ask.py", [], { input, environment: ".venv-vllm" }).trim().split("\n");
  const answers = lines.map((line): Answered => JSON.parse(line));
  return goldenOf(answers);
}

export function goldenOf(answers: readonly Answered[]): Golden {
  const [first] = answers;
  return {
    versions: first?.versions ?? {},
    command: "npx tsx conformance/vllm/regenerate.ts",
    cases: CASES.map(({ model, workload }, index) => ({ model, workload, ...answerOf(answers[index]) })),
    modelTypes: answers.slice(CASES.length).map((answered) => {
      const [modelType = "", ranks] = answered.name.split(" ");
      const key = { modelType, tensorParallel: Number(ranks) };
      return "failed" in answered ? { ...key, failed: reasonOf(answered.failed) } : { ...key, ...answerOf(answered) };
    }),
  };
}

/** A case that fails is a fault of the question: all of these models are vLLM's own. */
function answerOf(answered: Answered | undefined): Answer {
  if (answered === undefined || "failed" in answered) {
    throw new Error(`vLLM did not answer for ${answered?.name}: ${answered?.failed}`);
  }
  const { name: _name, versions: _versions, ...answer } = answered;
  return answer;
}

/** Without folders of the run and addresses in memory, which differ from run to run. */
function reasonOf(failed: string): string {
  return failed
    .replace(/\/\S*\/tmp\w+/g, "a folder")
    .replace(/\s+/g, " ")
    .slice(0, 120);
}
