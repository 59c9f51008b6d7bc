import type { Model } from "../../model/model.ts";
import type { OptionRule } from "../options.ts";
import { refuse } from "../refuse.ts";
import { hasMtpGraph, refuseMtpContext } from "./mtp-context.ts";
import type { LlamaCppWorkload } from "./workload.ts";

/** A model beside the main one, as an estimate names it. */
export type CompanionName = { readonly source: string; readonly architecture: string | null };

/** Architecture of projector files: encoders of images and audio, no model of their own. */
const PROJECTOR = "clip";

export const MODEL: OptionRule = {
  wants: "a model, as inspectModel returns it",
  accepts: (value) => {
    if (typeof value !== "object" || value === null) return false;
    const { schemaVersion, source, tensors } = value as {
      schemaVersion?: unknown;
      source?: unknown;
      tensors?: unknown;
    };
    return schemaVersion === 1 && typeof source === "object" && source !== null && Array.isArray(tensors);
  },
};

export function nameOf(model: Model | undefined): CompanionName | null {
  return model === undefined ? null : { source: model.source.id, architecture: model.architecture };
}

/** Whether MTP blocks draft: the model's own, or those a draft ends with (`common_speculative_types_from_gguf`). */
export function draftsByMtp({ draft, mtpContext }: LlamaCppWorkload): boolean {
  return draft === undefined ? mtpContext === true : endsWithMtp(draft);
}

/** A draft whose last block predicts from another model's hidden states. */
export function endsWithMtp(draft: Model): boolean {
  const { layers, tensors } = draft;
  const last = `blk.${layers.length - 1}.nextn.eh_proj.weight`;
  return hasMtpGraph(draft) && tensors.some(({ name }) => name === last);
}

/** Refuses models in a role they cannot have. */
export function refuseCompanions(
  model: Model,
  { projector, draft }: LlamaCppWorkload,
  { mtpContext }: { mtpContext: boolean },
): void {
  if (projector !== undefined && (projector.format !== "gguf" || projector.architecture !== PROJECTOR)) {
    refuse(
      "projector",
      `${projector.source.id} is no projector: its architecture is ${JSON.stringify(projector.architecture)}, not "clip"`,
    );
  }
  if (draft !== undefined && (draft.format !== "gguf" || draft.architecture === PROJECTOR)) {
    refuse("draft", `${draft.source.id} is no model that llama.cpp can draft with: a GGUF file of a language model is`);
  }
  if (!mtpContext) return;
  if (draft !== undefined) refuse("mtpContext", "a model drafts for itself, or a draft does: give mtpContext or draft");
  refuseMtpContext(model);
}
