import { printable } from "../bytes/printable.ts";
import type { Model } from "../model/model.ts";
import type { LlamaCppWorkload } from "../runtimes/llama-cpp/workload.ts";
import type { CompanionRequest } from "./companion-options.ts";
import { UsageError } from "./usage-error.ts";

export type Companions = Pick<LlamaCppWorkload, "projector" | "draft">;

/** Reads the models asked for beside the main one. A name of a file beside it means that file. */
export async function readCompanions(
  model: Model,
  asked: CompanionRequest | undefined,
  read: (source: string) => Promise<Model>,
): Promise<Companions> {
  const projector = asked?.projector === undefined ? undefined : projectorSource(model, asked.projector);
  const draft = asked?.draft === undefined ? undefined : sourceOf(model, asked.draft);
  return {
    ...(projector === undefined ? {} : { projector: await read(projector) }),
    ...(draft === undefined ? {} : { draft: await read(draft) }),
  };
}

/** Files beside the model that are not counted, and how to count them. */
export function uncountedCompanions(model: Model, asked: CompanionRequest | undefined): readonly string[] {
  const { companions = [] } = model.source;
  return companions.flatMap(({ role, path, source }) => {
    const name = printable(path);
    if (role === "projector") {
      return asked?.projector === undefined ? [`${name} is its projector: --mmproj-auto counts it too.`] : [];
    }
    return asked?.draft === undefined
      ? [`${name} drafts for it: --model-draft ${printable(source)} counts it too.`]
      : [];
  });
}

function projectorSource(model: Model, asked: NonNullable<CompanionRequest["projector"]>): string | undefined {
  if (asked.choice === "none") return undefined;
  if (asked.choice === "file") return sourceOf(model, asked.source);
  const beside = model.source.companions?.find(({ role }) => role === "projector");
  if (beside === undefined) {
    throw new UsageError("--mmproj-auto: there is no projector beside the model; --mmproj names one elsewhere");
  }
  return beside.source;
}

function sourceOf({ source: { companions } }: Model, given: string): string {
  return companions?.find(({ path }) => path === given)?.source ?? given;
}
