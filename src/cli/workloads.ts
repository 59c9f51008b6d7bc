import type { Model } from "../model/model.ts";
import { PRESETS } from "../runtimes/llama-cpp/presets.ts";
import { runtimesFor } from "../runtimes/runtimes-for.ts";
import type { RuntimeName, Workload } from "../runtimes/workload.ts";
import type { Companions } from "./companions.ts";
import { OPTION_FLAGS } from "./flags.ts";
import type { Request } from "./options.ts";
import { UsageError } from "./usage-error.ts";

/** Weighed when neither the model nor the command line names a context: the weights are still worth showing. */
const FALLBACK_CONTEXT_TOKENS = 4096;

function workloadOf(
  runtime: RuntimeName,
  { common, own }: Request,
  fallback: { contextTokens?: number },
  companions: Companions,
): Workload {
  if (runtime === "transformers") return { ...fallback, ...common, ...own.transformers, runtime };
  const hasDefault = PRESETS[own["llama.cpp"].preset ?? "tool"].contextTokens !== undefined;
  return { ...(hasDefault ? {} : fallback), ...common, ...own["llama.cpp"], ...companions, runtime };
}

/** Refuses an option that none of the runtimes has: it would silently change nothing. */
export function checkOwnOptions(request: Request, runtimes: readonly RuntimeName[]): void {
  for (const owner of ["llama.cpp", "transformers"] as const) {
    const beside = owner === "llama.cpp" ? request.companions : undefined;
    const [option] = Object.keys({ ...beside, ...request.own[owner] });
    if (option === undefined || runtimes.includes(owner)) continue;
    const flag = OPTION_FLAGS.get(option) ?? option;
    throw new UsageError(`${flag} is an option of ${owner}, but this weighs for ${runtimes.join(", ")}`);
  }
}

/** One workload per runtime asked for: those named, all that can load the model, or the first of these. */
export function workloadsFor(model: Model, request: Request, companions: Companions = {}): readonly Workload[] {
  const able = runtimesFor(model);
  const runtimes = request.runtimes === "all" ? able : (request.runtimes ?? able.slice(0, 1));
  checkOwnOptions(request, runtimes);
  const fallback = model.trainedContext === null ? { contextTokens: FALLBACK_CONTEXT_TOKENS } : {};
  return runtimes.map((runtime) => workloadOf(runtime, request, fallback, companions));
}
