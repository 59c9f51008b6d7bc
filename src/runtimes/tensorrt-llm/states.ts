import type { RecurrentMixer } from "../../model/mixer.ts";
import type { Model } from "../../model/model.ts";
import { floatBytes, runningDtype } from "../float-dtype.ts";
import { headRanks, type Rank } from "./ranks.ts";
import type { TensorrtLlmSettings } from "./settings.ts";

const FLOAT32_BYTES = 4;
const BY_TORCH_NAME: ReadonlyMap<unknown, number> = new Map([
  ["float32", 4],
  ["float16", 2],
  ["bfloat16", 2],
]);

/** Layers of a rank that hold recurrent states, and bytes of one request's states in them all. */
export function requestStates(
  model: Model,
  rank: Rank,
  settings: TensorrtLlmSettings,
): { layers: number; bytes: number } {
  const recurrences = rank.layers.flatMap(({ mixer }) => (mixer.kind === "recurrent" ? [mixer] : []));
  const element = floatBytes(runningDtype(model, settings.dtype)) ?? 2;
  const own = BY_TORCH_NAME.get(model.metadata["mamba_ssm_cache_dtype"]) ?? element;
  const bytes = recurrences.reduce((sum, mixer) => {
    const { convolution, state } = stateElements(mixer, headRanks(settings));
    // The delta rule of Kimi runs in float32 whatever is asked (config_utils.py, extract_mamba_kv_cache_params).
    return sum + convolution * element + state * (mixer.family === "kimi-delta-attention" ? FLOAT32_BYTES : own);
  }, 0);
  return { layers: recurrences.length, bytes };
}

/**
 * Elements on one rank. Heads are shared out; so are the groups of B and C (queries and keys of a delta rule), of which a rank
 * has at least one (`mamba_cache_manager.py`; replication as `test_mamba_cache_tp_replication.py` has it).
 */
export function stateElements({ state }: RecurrentMixer, ranks: number): { convolution: number; state: number } {
  const [[channels = 0, columns = 0] = [], rows = []] = state.map(({ shape }) => shape);
  const elements = rows.reduce((product, dimension) => product * dimension, 1);
  // Of mamba 2 [inner, state]; of delta rules [heads, keys, values].
  const groupState = rows[1] ?? 1;
  const inner = elements / groupState;
  const groups = (channels - inner) / (2 * groupState);
  const local = inner / ranks + 2 * Math.max(groups / ranks, 1) * groupState;
  return { convolution: Math.ceil(local) * columns, state: Math.ceil(elements / ranks) };
}
