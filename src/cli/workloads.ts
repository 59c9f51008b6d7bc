import type { Model } from "../model/model.ts";
import { PRESETS } from "../runtimes/llama-cpp/presets.ts";
import { runtimesFor } from "../runtimes/runtimes-for.ts";
import type { RuntimeName, Workload } from "../runtimes/workload.ts";
import type { Companions } from "./companions.ts";
import { OPTION_FLAGS } from "./flags.ts";
import type { Request } from "./options.ts";
import type { RuntimeChoice } from "./runtime-choice.ts";
import { TABLE_RUNTIMES } from "./runtime-options/runtime-options.ts";
import { UsageError } from "./usage-error.ts";

/** Weighed when neither the model nor the command line names a context: the weights are still worth showing. */
const FALLBACK_CONTEXT_TOKENS = 4096;

function workloadOf(
  { name: runtime, version }: RuntimeChoice,
  { common, own }: Request,
  fallback: { contextTokens?: number },
  companions: Companions,
): Workload {
  if (runtime !== "llama.cpp")
    return { ...fallback, ...common, ...own[runtime], ...(version && { version }), runtime } as Workload;
  const hasDefault = PRESETS[own["llama.cpp"].preset ?? "tool"].contextTokens !== undefined;
  return { ...(hasDefault ? {} : fallback), ...common, ...own["llama.cpp"], ...companions, runtime };
}

/** Refuses an option that none of the runtimes has: it would silently change nothing. */
export function checkOwnOptions(request: Request, runtimes: readonly RuntimeChoice[]): void {
  const names = runtimes.map(({ name }) => name);
  const optionsOf = (owner: RuntimeName): readonly string[] =>
    Object.keys({ ...(owner === "llama.cpp" && request.companions), ...request.own[owner] });
  const taken = new Set(names.flatMap(optionsOf));
  for (const owner of ["llama.cpp", ...TABLE_RUNTIMES] as const) {
    const option = optionsOf(owner).find((each) => !taken.has(each));
    if (option === undefined) continue;
    const flag = OPTION_FLAGS.get(option) ?? option;
    throw new UsageError(`${flag} is an option of ${owner}, but this weighs for ${names.join(", ")}`);
  }
}

/** One workload per runtime asked for: those named, all that can load the model, or the first of these. */
export function workloadsFor(model: Model, request: Request, companions: Companions = {}): readonly Workload[] {
  const able = runtimesFor(model);
  const names = request.runtimes === "all" ? able : able.slice(0, 1);
  const runtimes = Array.isArray(request.runtimes) ? request.runtimes : names.map((name) => ({ name }));
  checkOwnOptions(request, runtimes);
  const fallback = model.trainedContext === null ? { contextTokens: FALLBACK_CONTEXT_TOKENS } : {};
  return runtimes.map((runtime) => workloadOf(runtime, request, fallback, companions));
}
