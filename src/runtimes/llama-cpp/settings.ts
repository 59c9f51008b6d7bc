import type { Model } from "../../model/model.ts";
import { trainedContextOf } from "../context-tokens.ts";
import {
  BOOLEAN,
  COUNT,
  checkOptions,
  DEVICES,
  either,
  listOf,
  type OptionRule,
  oneOf,
  POSITIVE_INTEGER,
  SHARE,
  TOKENS,
} from "../options.ts";
import { refuse } from "../refuse.ts";
import { CACHE_TYPE_NAMES } from "./cache-type.ts";
import { type CompanionName, draftsByMtp, MODEL, nameOf, refuseCompanions } from "./companion.ts";
import { refuseDevices, TENSOR_OVERRIDE } from "./device-options.ts";
import { PRESETS } from "./presets.ts";
import type { LlamaCppWorkload } from "./workload.ts";

/** A workload with every default filled in; of models beside the main one the names. */
export type LlamaCppSettings = Required<Omit<LlamaCppWorkload, "projector" | "draft">> & {
  readonly projector: CompanionName | null;
  readonly draft: CompanionName | null;
};

const CACHE_TYPE: OptionRule = oneOf(CACHE_TYPE_NAMES);

const GPU_LAYERS: OptionRule = either(COUNT, oneOf(["all"]));

const RULES: { readonly [option in keyof LlamaCppSettings]: OptionRule } = {
  runtime: oneOf(["llama.cpp"]),
  preset: oneOf(Object.keys(PRESETS)),
  contextTokens: TOKENS,
  sequences: POSITIVE_INTEGER,
  devices: DEVICES,
  batchTokens: TOKENS,
  microBatchTokens: TOKENS,
  cacheTypeK: CACHE_TYPE,
  cacheTypeV: CACHE_TYPE,
  flashAttention: oneOf(["auto", "on", "off"]),
  unifiedCache: BOOLEAN,
  fullSlidingWindowCache: BOOLEAN,
  outputs: TOKENS,
  embeddings: BOOLEAN,
  gpuLayers: GPU_LAYERS,
  splitMode: oneOf(["none", "layer", "row", "tensor"]),
  mainGpu: COUNT,
  tensorSplit: listOf(SHARE),
  overrideTensors: listOf(TENSOR_OVERRIDE),
  cpuMoeLayers: either(COUNT, oneOf(["all"])),
  cpuFeedForwardLayers: COUNT,
  offloadCache: BOOLEAN,
  operatorOffload: BOOLEAN,
  memoryMap: BOOLEAN,
  repack: oneOf([false, "avx2", "avx512", "neon"]),
  pinnedHost: BOOLEAN,
  loadMtp: BOOLEAN,
  rollbackRows: COUNT,
  threads: POSITIVE_INTEGER,
  projector: MODEL,
  projectorOffload: BOOLEAN,
  draft: MODEL,
  draftGpuLayers: GPU_LAYERS,
  draftCacheTypeK: CACHE_TYPE,
  draftCacheTypeV: CACHE_TYPE,
  draftTokens: COUNT,
  mtpContext: BOOLEAN,
};

/** Sequences llama.cpp can tell apart (LLAMA_MAX_SEQ, `src/llama-cparams.h`). */
const MAX_SEQUENCES = 256;

/** Threads of one CPU (GGML_MAX_N_THREADS, `ggml/include/ggml.h`). */
const MAX_THREADS = 512;

function refuseAbove(option: "sequences" | "threads", given: number, most: number, does: string): void {
  if (given > most) refuse(option, `llama.cpp ${does} ${most} ${option}, got ${given}`);
}

/** Checks a workload and fills in its defaults. */
export function resolveSettings(model: Model, workload: LlamaCppWorkload): LlamaCppSettings {
  checkOptions(workload, RULES);
  const preset = workload.preset ?? "tool";
  const defaults = PRESETS[preset];
  const sequences = workload.sequences ?? defaults.sequences;
  const threads = workload.threads ?? 4;
  refuseAbove("sequences", sequences, MAX_SEQUENCES, "keeps at most");
  refuseAbove("threads", threads, MAX_THREADS, "computes on at most");
  const devices = workload.devices ?? [{ name: "CPU", kind: "cpu" }];
  const { trainedContext } = model;
  const contextTokens =
    workload.contextTokens ??
    defaults.contextTokens?.({ trainedContext, devices, sequences }) ??
    trainedContextOf(model);
  const embeddings = workload.embeddings ?? false;
  const microBatchTokens = workload.microBatchTokens ?? defaults.microBatchTokens;
  const asked = workload.batchTokens ?? defaults.batchTokens;
  // A server of embeddings takes a batch in one piece and keeps all of it (`tools/server/server.cpp:150`).
  const batchTokens = defaults.serves && embeddings ? Math.min(asked, microBatchTokens) : asked;
  const fewOutputs = defaults.serves && !embeddings;
  const draftTokens = workload.draftTokens ?? DRAFT_TOKENS;
  const mtpContext = workload.mtpContext ?? false;
  const drafts = workload.draft !== undefined || mtpContext;
  const settings: LlamaCppSettings = {
    runtime: "llama.cpp",
    preset,
    contextTokens,
    sequences,
    devices,
    batchTokens,
    microBatchTokens,
    cacheTypeK: workload.cacheTypeK ?? "f16",
    cacheTypeV: workload.cacheTypeV ?? "f16",
    flashAttention: workload.flashAttention ?? "auto",
    unifiedCache: workload.unifiedCache ?? (workload.sequences === undefined && defaults.unifiedCache),
    fullSlidingWindowCache: workload.fullSlidingWindowCache ?? defaults.fullSlidingWindowCache,
    outputs:
      workload.outputs ?? (fewOutputs ? serverOutputs(sequences, batchTokens, drafts ? draftTokens : 0) : batchTokens),
    embeddings,
    gpuLayers: workload.gpuLayers ?? "all",
    splitMode: workload.splitMode ?? "layer",
    mainGpu: workload.mainGpu ?? 0,
    tensorSplit: workload.tensorSplit ?? [],
    overrideTensors: workload.overrideTensors ?? [],
    cpuMoeLayers: workload.cpuMoeLayers ?? 0,
    cpuFeedForwardLayers: workload.cpuFeedForwardLayers ?? 0,
    offloadCache: workload.offloadCache ?? true,
    operatorOffload: workload.operatorOffload ?? true,
    memoryMap: workload.memoryMap ?? false,
    repack: workload.repack ?? false,
    pinnedHost: workload.pinnedHost ?? true,
    threads,
    loadMtp: workload.loadMtp ?? mtpContext,
    rollbackRows: workload.rollbackRows ?? (draftsByMtp(workload) ? draftTokens : 0),
    projector: nameOf(workload.projector),
    projectorOffload: workload.projectorOffload ?? true,
    draft: nameOf(workload.draft),
    draftGpuLayers: workload.draftGpuLayers ?? "all",
    draftCacheTypeK: workload.draftCacheTypeK ?? "f16",
    draftCacheTypeV: workload.draftCacheTypeV ?? "f16",
    draftTokens,
    mtpContext,
  };
  refuseDevices(settings);
  refuseCompanions(model, workload, settings);
  return settings;
}

/** The last token of each sequence, and those that were drafted (`common_speculative_get_output_limits`). */
function serverOutputs(sequences: number, batchTokens: number, drafted: number): number {
  return Math.min(batchTokens, sequences * (1 + drafted));
}

/** `common_params_speculative_draft.n_max`, `common/common.h:326`. */
const DRAFT_TOKENS = 3;
