import { Option } from "commander";
import type { LlamaCppCacheType, LlamaCppWorkload } from "../runtimes/llama-cpp/workload.ts";
import { parseCount, parseLayers, parseWord } from "./values.ts";

/** Flags for what llama.cpp loads beside a model, under its own names. */
export type CompanionFlags = {
  /** False for `--no-mmproj`. */
  readonly mmproj?: string | false;
  readonly mmprojAuto?: true;
  readonly mmprojOffload?: boolean;
  readonly modelDraft?: string;
  readonly gpuLayersDraft?: number | "all";
  readonly cacheTypeKDraft?: LlamaCppCacheType;
  readonly cacheTypeVDraft?: LlamaCppCacheType;
  readonly specDraftNMax?: number;
  readonly specType?: "none" | "draft-mtp";
};

/** Models to read beside the one that is weighed. */
export type CompanionRequest = {
  /** A source, or `auto` for the one beside the model, or `none` to say nothing of it. */
  readonly projector?: { readonly choice: "file"; readonly source: string } | { readonly choice: "auto" | "none" };
  readonly draft?: string;
};

export function companionOptions(cacheTypes: readonly LlamaCppCacheType[]): readonly Option[] {
  const cacheType = parseWord(cacheTypes);
  return [
    new Option("--mmproj <source>", "count this projector (images, audio) as well"),
    new Option("--no-mmproj", "say nothing of a projector beside the model"),
    new Option("--mmproj-auto", "count the projector beside the model"),
    new Option("--mmproj-offload", "the projector lies on the first GPU (default)").hideHelp(),
    new Option("--no-mmproj-offload", "the projector lies on the CPU"),
    new Option("--model-draft <source>", "count this model, which drafts tokens, as well"),
    new Option("--gpu-layers-draft <count>", "layers of the draft on GPUs").argParser(parseLayers),
    new Option("--cache-type-k-draft <type>", "type of keys where tokens are drafted").argParser(cacheType),
    new Option("--cache-type-v-draft <type>", "type of values there").argParser(cacheType),
    new Option("--spec-draft-n-max <count>", "tokens drafted at once").argParser(parseCount),
    new Option("--spec-type <type>", "draft-mtp: the model drafts by its own MTP blocks").argParser(
      parseWord(["none", "draft-mtp"]),
    ),
  ];
}

/** What of the flags is an option of the workload. */
export function companionWorkload(flags: CompanionFlags): {
  [Key in keyof LlamaCppWorkload]?: LlamaCppWorkload[Key] | undefined;
} {
  return {
    projectorOffload: flags.mmprojOffload,
    draftGpuLayers: flags.gpuLayersDraft,
    draftCacheTypeK: flags.cacheTypeKDraft,
    draftCacheTypeV: flags.cacheTypeVDraft,
    draftTokens: flags.specDraftNMax,
    // With a draft its own blocks are meant, which its file tells.
    mtpContext: flags.specType === "draft-mtp" && flags.modelDraft === undefined ? true : undefined,
  };
}

/** What of the flags is to be read; undefined for nothing. */
export function companionRequest({ mmproj, mmprojAuto, modelDraft }: CompanionFlags): CompanionRequest | undefined {
  const projector = projectorChoice(mmproj, mmprojAuto);
  if (projector === undefined && modelDraft === undefined) return undefined;
  return {
    ...(projector === undefined ? {} : { projector }),
    ...(modelDraft === undefined ? {} : { draft: modelDraft }),
  };
}

function projectorChoice(mmproj: string | false | undefined, auto: true | undefined): CompanionRequest["projector"] {
  if (typeof mmproj === "string") return { choice: "file", source: mmproj };
  if (mmproj === false) return { choice: "none" };
  return auto === true ? { choice: "auto" } : undefined;
}
