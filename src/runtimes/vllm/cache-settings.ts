import type { LatentMixer, RecurrentMixer } from "../../model/mixer.ts";
import { attentionPart, recurrentPart } from "../../model/mixer-parts.ts";
import type { Model } from "../../model/model.ts";
import { padTo } from "../pad.ts";
import { cacheElementBytes, stateDtypeBytes } from "./dtype.ts";
import type { VllmSettings } from "./settings.ts";
import { localHeads } from "./shards.ts";
import { stateBytes } from "./state.ts";
import { rulesOf } from "./version.ts";

/** What the specs of all layers have in common. */
export type CacheSettings = {
  readonly contextTokens: number;
  readonly tensorParallel: number;
  readonly speculativeTokens: number;
  /** Bytes of one element of keys and values. */
  readonly elementBytes: number;
  readonly convolutionElementBytes: number;
  readonly stateElementBytes: number;
  /** Latents in the packed format of DeepSeek's sparse attention. */
  readonly packedLatents: boolean;
  readonly blockTokens: number;
  /** States are padded to a block of attention; undefined where the model has no attention. */
  readonly statePageBytes: number | undefined;
  /** States are kept at the ends of blocks, so that prefixes can be found again. */
  readonly alignedStates: boolean;
  readonly checkpointed: ReadonlySet<string>;
};

/** Tokens of a block that kernels take: FlashAttention and its like any multiple of 16, sparse latents of 64. */
const KERNEL_TOKENS = 16;
const SPARSE_KERNEL_TOKENS = 64;

/** Blocks of latents beside states are multiples of this (`platforms/interface.py`, _align_hybrid_block_size). */
const HYBRID_LATENT_TOKENS = 128;

export function cacheSettings(model: Model, settings: VllmSettings, dtype: string): CacheSettings {
  const elementBytes = cacheElementBytes(settings.kvCacheType, dtype);
  const recurrent = model.layers.map(({ mixer }) => recurrentPart(mixer)).find((part) => part !== undefined);
  const attention = model.layers.map(({ mixer }) => attentionPart(mixer)).find((part) => part !== undefined);
  const latent = attention?.kind === "latent" ? attention : undefined;
  const base = {
    contextTokens: settings.contextTokens,
    tensorParallel: settings.tensorParallel,
    speculativeTokens: settings.speculativeTokens,
    elementBytes,
    convolutionElementBytes: stateDtypeBytes("convolution", recurrent, model, dtype),
    stateElementBytes: stateDtypeBytes("state", recurrent, model, dtype),
    packedLatents: latent?.indexer !== undefined && settings.kvCacheType.startsWith("fp8"),
    // A model of states alone keeps no prefixes (`config/model.py`, is_prefix_caching_supported).
    alignedStates: attention !== undefined && settings.prefixCaching,
    checkpointed: rulesOf(settings.version).checkpointed,
  };
  const kernelTokens = latent?.indexer === undefined ? KERNEL_TOKENS : SPARSE_KERNEL_TOKENS;
  const blockTokens = settings.blockTokens ?? kernelTokens;
  if (recurrent === undefined || attention === undefined) return { ...base, blockTokens, statePageBytes: undefined };
  const tokenBytes =
    attention.kind === "latent"
      ? latentBytes(attention, elementBytes)
      : localHeads(attention.kvHeads, settings.tensorParallel) * (attention.keyDim + attention.valueDim) * elementBytes;
  const step = Math.max(kernelTokens, blockTokens, latent === undefined ? 0 : HYBRID_LATENT_TOKENS);
  const aligned = alignedBlock(model, base, tokenBytes, step);
  const larger = Math.max(blockTokens, padTo(aligned, kernelTokens));
  return { ...base, blockTokens: larger, statePageBytes: larger * tokenBytes };
}

function latentBytes({ kvLoraRank, ropeDim }: LatentMixer, elementBytes: number): number {
  return (kvLoraRank + ropeDim) * elementBytes;
}

/**
 * Tokens of a block of attention as large as the largest state, so that both come from one pool
 * (`platforms/interface.py`, _align_hybrid_block_size).
 */
function alignedBlock(model: Model, settings: StateSettings, tokenBytes: number, step: number): number {
  const states = model.layers.flatMap(({ mixer }): RecurrentMixer[] => {
    const recurrent = recurrentPart(mixer);
    return recurrent === undefined ? [] : [recurrent];
  });
  const largest = states.reduce((bytes, state) => Math.max(bytes, stateBytes(state, settings)), 0);
  return step * Math.ceil(largest / (step * tokenBytes));
}

type StateSettings = Parameters<typeof stateBytes>[1];
