import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import { trainedContextOf } from "../context-tokens.ts";
import {
  BOOLEAN,
  COUNT,
  checkOptions,
  DEVICES,
  FLOAT_DTYPE,
  type OptionRule,
  oneOf,
  POSITIVE_INTEGER,
  TOKENS,
} from "../options.ts";
import { rankDevices } from "../ranks.ts";
import { refuse } from "../refuse.ts";
import { batchDefaults } from "./batch-defaults.ts";
import { rulesOf, VLLM_VERSION } from "./version.ts";
import { KV_CACHE_TYPES, type VllmWorkload } from "./workload.ts";

/** Options that have no default: left out, the kernels choose or the pool follows from the device. */
type Open = "blockTokens" | "availableCacheBytes";

/** A workload with every default filled in. */
export type VllmSettings = Required<Omit<VllmWorkload, Open>> & Pick<VllmWorkload, Open>;

const RULES: { readonly [option in keyof Required<VllmWorkload>]: OptionRule } = {
  runtime: oneOf(["vllm"]),
  contextTokens: TOKENS,
  sequences: POSITIVE_INTEGER,
  devices: DEVICES,
  version: {
    wants: 'a release from 0.13 on, like "0.32.0"',
    accepts: (value) => typeof value === "string" && /^[01]\.\d{1,3}(\.\d{1,3})?$/.test(value),
  },
  dtype: FLOAT_DTYPE,
  kvCacheType: oneOf(KV_CACHE_TYPES),
  blockTokens: {
    wants: "a positive multiple of 16 up to 65536",
    accepts: (value) => POSITIVE_INTEGER.accepts(value) && Number(value) % 16 === 0 && Number(value) <= 65_536,
  },
  gpuMemoryUtilization: {
    wants: "a number above 0, at most 1",
    accepts: (value) => typeof value === "number" && value > 0 && value <= 1,
  },
  maxSequences: POSITIVE_INTEGER,
  maxBatchedTokens: TOKENS,
  tensorParallel: POSITIVE_INTEGER,
  pipelineParallel: POSITIVE_INTEGER,
  dataParallel: POSITIVE_INTEGER,
  expertParallel: BOOLEAN,
  availableCacheBytes: POSITIVE_INTEGER,
  speculativeTokens: COUNT,
  hybridManager: BOOLEAN,
  prefixCaching: BOOLEAN,
  asyncScheduling: BOOLEAN,
  enforceEager: BOOLEAN,
};

/** Ranks beyond which no cluster goes; also keeps the list of devices short. */
const MOST_RANKS = 4096;

/** Checks a workload and fills in its defaults. */
export function resolveSettings(model: Model, workload: VllmWorkload): VllmSettings {
  checkOptions(workload, RULES);
  const version = workload.version ?? VLLM_VERSION;
  const contextTokens = workload.contextTokens ?? trainedContextOf(model);
  const tensorParallel = workload.tensorParallel ?? 1;
  const pipelineParallel = workload.pipelineParallel ?? 1;
  const dataParallel = workload.dataParallel ?? 1;
  const devices = devicesOf(workload, tensorParallel * pipelineParallel * dataParallel);
  const keepsStates = rulesOf(version).keepsStatePrefixes;
  const { speculativeTokens = 0 } = workload;
  checkSplit(model, tensorParallel, pipelineParallel);
  if (speculativeTokens > 0 && model.mtpLayerCount === 0) {
    refuse("speculativeTokens", "the model has no MTP layers that could draft tokens");
  }
  const prefixCaching = workload.prefixCaching ?? (model.encoder === undefined && (!hasStates(model) || keepsStates));
  checkStatePrefixes(model, version, prefixCaching);
  return {
    runtime: "vllm",
    version,
    contextTokens,
    sequences: workload.sequences ?? 1,
    devices,
    dtype: workload.dtype ?? "auto",
    kvCacheType: workload.kvCacheType ?? "auto",
    gpuMemoryUtilization: workload.gpuMemoryUtilization ?? rulesOf(version).gpuMemoryUtilization,
    ...batchDefaults(workload, contextTokens, devices[0]?.memoryBytes, model.encoder !== undefined),
    tensorParallel,
    pipelineParallel,
    dataParallel,
    expertParallel: workload.expertParallel ?? false,
    speculativeTokens,
    hybridManager: workload.hybridManager ?? true,
    prefixCaching,
    asyncScheduling: workload.asyncScheduling ?? true,
    enforceEager: workload.enforceEager ?? false,
    ...(workload.blockTokens !== undefined && { blockTokens: workload.blockTokens }),
    ...(workload.availableCacheBytes !== undefined && { availableCacheBytes: workload.availableCacheBytes }),
  };
}

function devicesOf(workload: VllmWorkload, ranks: number): VllmSettings["devices"] {
  if (ranks > MOST_RANKS) refuse("tensorParallel", `${ranks} ranks are more than ${MOST_RANKS}`);
  const devices = rankDevices(workload.devices, ranks);
  const other = devices.find(({ kind }) => kind !== "cuda");
  if (other === undefined) return devices;
  refuse("devices", `the rules here are those of CUDA devices, and ${other.name} is a ${other.kind} device`);
}

/** What vLLM asserts when it makes layers (`linear.py`, QKVParallelLinear; `distributed/utils.py`, get_pp_indices). */
function checkSplit(model: Model, tensorParallel: number, pipelineParallel: number): void {
  for (const { mixer } of model.layers) {
    const attention = attentionPart(mixer);
    if (attention === undefined) continue;
    const { heads } = attention;
    if (heads % tensorParallel !== 0) {
      refuse("tensorParallel", `${heads} attention heads do not divide by ${tensorParallel} ranks`);
    }
    if (attention.kind === "latent") continue;
    const [more, fewer] = [Math.max(attention.kvHeads, tensorParallel), Math.min(attention.kvHeads, tensorParallel)];
    if (fewer > 0 && more % fewer !== 0) {
      refuse(
        "tensorParallel",
        `${attention.kvHeads} heads of keys and values and ${tensorParallel} ranks: neither divides the other`,
      );
    }
  }
  if (model.layerCount !== null && pipelineParallel > model.layerCount) {
    refuse("pipelineParallel", `${pipelineParallel} stages are more than ${model.layerCount} layers`);
  }
}

function hasStates(model: Model): boolean {
  return model.layers.some(({ mixer }) => recurrentPart(mixer) !== undefined);
}

/** Recurrences of which releases before 0.29 keep the state of every block, which is not computed here. */
const KEPT_EVERY_STATE: ReadonlySet<string> = new Set(["mamba1", "mamba2", "short-convolution"]);

function checkStatePrefixes(model: Model, version: string, prefixCaching: boolean): void {
  if (!prefixCaching || rulesOf(version).alignedStatesOnly) return;
  const family = model.layers.map(({ mixer }) => recurrentPart(mixer)?.family).find((name) => name !== undefined);
  if (family === undefined || (rulesOf(version).alignsStates && !KEPT_EVERY_STATE.has(family))) return;
  refuse(
    "prefixCaching",
    `vLLM ${version} keeps a state for every block of ${family} layers with prefix caching, which is not weighed here: set prefixCaching to false, or version to 0.29.0 or later`,
  );
}
