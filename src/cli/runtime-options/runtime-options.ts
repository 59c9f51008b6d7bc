import { type Command, Option } from "commander";
import type { RuntimeName, WorkloadOf } from "../../runtimes/workload.ts";
import { MLX_OPTIONS } from "./mlx.ts";
import type { RuntimeOption } from "./runtime-option.ts";
import { TENSORRT_LLM_OPTIONS } from "./tensorrt-llm.ts";
import { TRAINING_OPTIONS } from "./training.ts";
import { TRANSFORMERS_OPTIONS } from "./transformers.ts";
import { VLLM_OPTIONS } from "./vllm.ts";

/** Runtimes whose options are tables; those of llama.cpp depend on each other and on their order. */
export type TableRuntime = Exclude<RuntimeName, "llama.cpp">;

const TABLES: { readonly [runtime in TableRuntime]: readonly RuntimeOption<keyof WorkloadOf[runtime] & string>[] } = {
  transformers: TRANSFORMERS_OPTIONS,
  vllm: VLLM_OPTIONS,
  "tensorrt-llm": TENSORRT_LLM_OPTIONS,
  mlx: MLX_OPTIONS,
  training: TRAINING_OPTIONS,
};

export const TABLE_RUNTIMES = Object.keys(TABLES) as readonly TableRuntime[];

/** The options of one runtime. */
export function optionsOf(runtime: TableRuntime): readonly RuntimeOption<string>[] {
  return TABLES[runtime];
}

const ALL: readonly RuntimeOption<string>[] = TABLE_RUNTIMES.flatMap(optionsOf);

/** Engines' other names, each with the one that stands for it here. */
export const RUNTIME_ALIASES: ReadonlyMap<string, string> = new Map([
  ...ALL.flatMap((option) => (option.aliases ?? []).map((alias) => [alias, longName(option)] as const)),
  ["--max-model-len", "--context"],
  ["--max_seq_len", "--context"],
]);

/** The flag that sets each option of a workload. */
export const RUNTIME_FLAGS: ReadonlyMap<string, string> = new Map(
  ALL.map((option) => [option.field, longName(option)]),
);

function longName({ flags }: RuntimeOption<string>): string {
  return flags.split(" ", 1).join();
}

function toOption({ flags, words, parse }: RuntimeOption<string>): Option {
  const option = new Option(flags, words);
  return parse === undefined ? option : option.argParser(parse);
}

/** Adds the options of every runtime, under its name; one that several have stands with the first. */
export function addRuntimeOptions(program: Command): void {
  const added = new Set<string>();
  for (const runtime of TABLE_RUNTIMES) {
    const options = optionsOf(runtime).filter(({ flags }) => !added.has(flags));
    if (options.length === 0) continue;
    program.optionsGroup(`${runtime}:`);
    for (const option of options) {
      program.addOption(toOption(option));
      added.add(option.flags);
    }
  }
}

/** What of the parsed flags is an option of each runtime's workload. */
export function runtimeWorkloads(flags: object): {
  readonly [runtime in TableRuntime]: { readonly [field: string]: unknown };
} {
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(flags));
  const given = (runtime: TableRuntime) => {
    return Object.fromEntries(
      optionsOf(runtime).flatMap((option) => {
        const value = values.get(toOption(option).attributeName());
        return value === undefined ? [] : [[option.field, option.gives ?? value]];
      }),
    );
  };
  return Object.fromEntries(TABLE_RUNTIMES.map((runtime) => [runtime, given(runtime)])) as ReturnType<
    typeof runtimeWorkloads
  >;
}
